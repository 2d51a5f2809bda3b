"""Encoder room: texts and pictures in, unit vectors of one joint space out.

In:    prepared texts, and upright RGB pictures with a longest side of at most 512 px.
Out:   float32 unit rows; the dot product of any two is a cosine.
Fails: `EncoderUnavailable` when model files, packages or a hub are missing.
More:  write an `Encoder` in a file of its own, name it in `shopsearch/adapters.py`, and add it to
       the contract suite in tests/contracts/test_encoder.py. One that knows which regions of a
       picture speak for a text is a `RegionExplainer` too (tests/contracts/test_regions.py).

Importing this package does not import torch; its modules do.
"""

from shopsearch.encoders.base import Encoder, EncoderUse, LazyEncoder, RegionExplainer

__all__ = ["Encoder", "EncoderUse", "LazyEncoder", "RegionExplainer"]
