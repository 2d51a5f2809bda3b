"""Catalog room: feed bytes in, products out.

In:    a feed file (CSV or JSONL so far) and a `FieldMapping`.
Out:   a stream of `FeedRow` and `Rejection`, one per record, in feed order, in constant memory.
Fails: `FeedFormatError` when the feed as a whole cannot be read; a bad record is a `Rejection`.
More:  write a `CatalogFeed` in a file of its own, add it to `open_feed` in `formats.py`, and to the
       contract suite in tests/contracts/test_catalog_feed.py.
"""

from shopsearch.catalog.base import CatalogFeed, FieldMapping
from shopsearch.catalog.formats import find_feed, open_feed

__all__ = ["CatalogFeed", "FieldMapping", "find_feed", "open_feed"]
