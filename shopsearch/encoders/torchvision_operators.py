"""Lets timm, open_clip and transformers be imported beside a CPU-only torch.

torchvision from PyPI is built for CUDA. Beside a CPU-only torch its compiled operators do not load,
and importing it (as timm, open_clip and transformers do) fails with "operator torchvision::nms does
not exist". Registering the two schemas that its Python code looks for is enough: nothing in
shopsearch calls these operators, and a call would fail loudly, since they have no kernel.

Call `ensure()` before the first import of any of those three.
"""

from __future__ import annotations

import functools
import importlib.util

import torch

_SIGNATURE = "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor"
_registered: list[torch.library.Library] = []  # a library's operators live as long as the object


@functools.cache
def ensure() -> None:
    """Register the schemas that torchvision misses, where it is installed and misses them."""
    if importlib.util.find_spec("torchvision") is None or torch.version.cuda is not None:
        return
    library = torch.library.Library("torchvision", "FRAGMENT")
    for name in ("nms", "qnms"):
        if not hasattr(torch.ops.torchvision, name):
            library.define(f"{name}{_SIGNATURE}")
    _registered.append(library)
