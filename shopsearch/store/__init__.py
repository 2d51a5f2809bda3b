"""Store room: products in, rows and stable keys out. The store is the truth; the index is derived.

In:    `ProductRecord`s, content hashes and embeddings.
Out:   int64 keys, `StoredProduct`s, and the changes since a revision.
Fails: `StoreUnavailable`, `SchemaOutdated`.
More:  implement the ports of `base.py` in a file of its own, name it in `shopsearch/bootstrap.py`,
       and add it to the contract suites in tests/contracts/.
"""

from shopsearch.store.base import EmbeddingCache, FeedRuns, ProductStore

__all__ = ["EmbeddingCache", "FeedRuns", "ProductStore"]
