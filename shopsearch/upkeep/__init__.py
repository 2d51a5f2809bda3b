"""Upkeep: whether all that is kept is whole, and what to do where it is not.

In:    a home folder, its database, and the rooms that wrote both.
Out:   `Fault`s with their remedies, a home that is mended, a backup, a feed of the whole catalog.
Fails: `BackupError`, `ExportError`, `HomeBusy` where somebody else changes the home.
More:  a check is one more generator of faults in a file of its own and a line in `verifying.py`;
       what can be done about a fault is a `Cure`, and `repairing.py` knows how.
"""
