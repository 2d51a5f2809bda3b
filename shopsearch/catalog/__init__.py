"""Catalog room: feeds as shops have them in, products out.

In:    a feed and a `FieldMapping`: CSV, JSON lines, Shopify's export, Google Merchant's XML,
       Parquet, a folder of pictures; a file, packed or not, or standard input (`spooled`).
Out:   a stream of `FeedRow`, `RemovalRow` and `Rejection`, one per record, in feed order, in
       constant memory.
Fails: `FeedFormatError` when the feed as a whole cannot be read; a bad record is a `Rejection`.
More:  write a `CatalogFeed` in a file of its own, add it to `FORMATS` and to the endings in
       `formats.py`, and to the contract suite in tests/contracts/test_catalog_feed.py: see
       docs/feeds.md.
"""

from shopsearch.catalog.base import CatalogFeed, FieldMapping, Variants
from shopsearch.catalog.formats import FORMATS, complete, find_feed, format_of, notes_of, open_feed
from shopsearch.catalog.source import FeedSource, spooled

__all__ = [
    "FORMATS",
    "CatalogFeed",
    "FeedSource",
    "FieldMapping",
    "Variants",
    "complete",
    "find_feed",
    "format_of",
    "notes_of",
    "open_feed",
    "spooled",
]
