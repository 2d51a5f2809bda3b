"""Refining a search by talking: what a shopper says next becomes visible parts of the query.

In goes a turn ("cheaper, and in blue"), the query at hand and what is shown (`turns`); out comes
the new query, each change by name, what changed nothing, and a reply made only of what was done
(`reading.refine`, a pure function). `service` asks the catalog for what the rules need.

The rules are English, and there is no model. Nothing fails: what is not understood is said to be
so. For one more kind of turn, give `reading` a rule and `turns.ChangeKind` a name.
"""

from shopsearch.refining.reading import MAX_SAID_CHARS, refine
from shopsearch.refining.service import MAX_SHOWN, RefiningService
from shopsearch.refining.turns import Change, ChangeKind, Known, Missed, Refined, Turn

__all__ = [
    "MAX_SAID_CHARS",
    "MAX_SHOWN",
    "Change",
    "ChangeKind",
    "Known",
    "Missed",
    "Refined",
    "RefiningService",
    "Turn",
    "refine",
]
