"""Index room: vectors in, nearest keys out. The word distance does not leave this room.

In:    int64 keys, (N, D) float32 unit rows, and a `FilterRow` for each.
Out:   `Neighbours`: keys and cosines, best first, all of them fulfilling the `ProductFilter`.
Fails: `DimensionMismatch`, `GenerationMissing`, `GenerationDamaged`, `GenerationMismatch`.
More:  write a `VectorIndex` in a file of its own, name it in `shopsearch/adapters.py`, and add it
       to the contract suite in tests/contracts/test_vector_index.py.
"""

from shopsearch.index.base import Fields, VectorIndex

__all__ = ["Fields", "VectorIndex"]
