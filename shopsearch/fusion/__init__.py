"""Fusion room: the embeddings of an item's modalities in, one vector out.

In:    `ModalityEmbeddings` (zero rows and a False mask where a modality is missing) and weights.
Out:   (N, D) float32 unit rows: products and queries alike.
Fails: `ValueError` where a row has neither modality: such items never get here.
More:  write a `Fusion` in a file named after its method, name it in `shopsearch/bootstrap.py`, and
       add it to the contract suite in tests/contracts/test_fusion.py.
"""

from shopsearch.fusion.base import Fusion

__all__ = ["Fusion"]
