"""Events: what visitors did with products, as a shop tells it, and what becomes of it.

In:    JSON objects of the API, lines of files.
Out:   `Event`s for an `EventStore`; how popular products are.
Fails: `EventRejected` for one event, `CatalogError` for a file that cannot be read at all.
More:  a kind of event is a class in `told.py`, and a weight in `popularity.py`.
"""
