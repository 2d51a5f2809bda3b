"""Training room: catalogs in, the learned parts of the compact model out.

In:    catalog feeds whose products have pictures and words.
Out:   a head for the compact encoder (safetensors), its loss and recall curves (PNG), and its model
       card (Markdown). The weights are written whole or not at all.
Fails: `TrainingError` where the catalogs cannot carry a training run.
More:  the model is in `shopsearch/encoders/compact_head.py`; what it is taught, and with which
       words, is in `captions.py` and `objective.py`.

Importing this package does not import torch; its modules do.
"""
