"""Writing room: single changes of the catalog, by whoever asks for them, under one lock.

In:    `Upsert`s and `Removal`s, from any number of threads.
Out:   what became of each, when it is durable in the store and live in the index.
Fails: `WriterBusy`, `WriteUnfinished`, `HomeBusy`; a bad product is an `Outcome`.
More:  a further source of changes reads its fields with `ProductFields` and calls `CatalogWriter`.
"""

from shopsearch.writing.changes import (
    Change,
    Outcome,
    Precondition,
    Removal,
    Upsert,
    WriteStatus,
    Written,
)
from shopsearch.writing.fields import ProductFields
from shopsearch.writing.writer import CatalogWriter

__all__ = [
    "CatalogWriter",
    "Change",
    "Outcome",
    "Precondition",
    "ProductFields",
    "Removal",
    "Upsert",
    "WriteStatus",
    "Written",
]
