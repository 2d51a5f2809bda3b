"""Fusion room: the embeddings of an item's modalities in, one vector out.

In:    `ModalityEmbeddings` (zero rows and a False mask where a modality is missing) and weights.
Out:   (N, E) float32 unit rows: products and queries alike. E is D, or 2 D for `late`.
Fails: `ValueError` where a row has neither modality: such items never get here.
       `FusionUnavailable` where weights are missing, `FusionMismatch` where they are for another
       encoder.
More:  write a `FusionModule` in a file named after its method, and name it in `methods.py`; the
       contract suite, the training and the benchmark take it from there.

Importing this package does not import torch, nor do `average.py`, `card.py` and `gated_rows.py`:
the method whose weights ship is used in numpy.
"""

from shopsearch.fusion.base import Fusion, LazyFusion

__all__ = ["Fusion", "LazyFusion"]
