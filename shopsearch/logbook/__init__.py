"""Logbook: notes what visitors do, and makes nobody wait for the database.

In:    searches, clicks and events, from the threads that answer requests.
Out:   rows of a `SearchLog` and an `EventStore`, about once a second, by one thread for each.
Fails: `EventsBusy`, where more events wait than the queue takes; searches and clicks are dropped.
More:  a book over `Writer`, which is the queue and the thread.
"""

from shopsearch.logbook.events import EventBook
from shopsearch.logbook.searches import Logbook, Visitor, new_search_id

__all__ = ["EventBook", "Logbook", "Visitor", "new_search_id"]
