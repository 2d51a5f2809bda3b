"""Which library runs the towers of the compact model: ONNX Runtime or torch.

On a CPU ONNX Runtime is faster, and starts without torch; on a GPU torch is. Neither is imported
here: asking torch whether there is a GPU takes seconds, and most machines show that they have none.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path

from shopsearch.errors import EncoderUnavailable

NEEDED = ("onnxruntime", "onnx")
_GPU_FILES = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/dxg", "/dev/kfd")  # NVIDIA, WSL, AMD


class Runtime(StrEnum):
    """A library that runs the towers."""

    TORCH = "torch"
    ONNX = "onnx"


def chosen_runtime(runtime: str, device: str, precision: str = "auto") -> Runtime:
    """The runtime that the settings mean; all may be auto. 8 bits need ONNX Runtime.

    Raises `EncoderUnavailable` where they contradict each other, or a package is not installed.
    """
    missing = [package for package in NEEDED if find_spec(package) is None]
    in_int8 = precision == "int8"
    if runtime == Runtime.TORCH and in_int8:
        raise EncoderUnavailable(
            "SHOPSEARCH_PRECISION=int8 needs ONNX Runtime, but SHOPSEARCH_RUNTIME is torch: "
            "unset one of the two"
        )
    if runtime == "auto" and not in_int8:
        on_cpu = device == "cpu" or (device == "auto" and not has_gpu())
        return Runtime.ONNX if on_cpu and not missing else Runtime.TORCH
    if runtime == Runtime.TORCH:
        return Runtime.TORCH
    wish = "SHOPSEARCH_PRECISION=int8" if in_int8 else "SHOPSEARCH_RUNTIME=onnx"
    if device not in ("auto", "cpu"):
        raise EncoderUnavailable(
            f"{wish} runs on the CPU only, but SHOPSEARCH_DEVICE is {device}: unset one of the two"
        )
    if missing:
        raise EncoderUnavailable(
            f"{wish} needs packages that are not installed: pip install {' '.join(missing)}, "
            "or unset it"
        )
    return Runtime.ONNX


def usable_cores() -> int:
    """How many cores this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def has_gpu(
    *, shows_signs: Callable[[], bool] | None = None, confirm: Callable[[], bool] | None = None
) -> bool:
    """Whether torch has a GPU to run on; it is asked only where there are signs of one."""
    return (shows_signs or _shows_signs)() and (confirm or _torch_has_one)()


def _shows_signs() -> bool:
    system = platform.system()
    if system == "Linux":
        return any(Path(file).exists() for file in _GPU_FILES)
    return system != "Darwin" or platform.machine() == "arm64"


def _torch_has_one() -> bool:
    import torch

    return torch.cuda.is_available() or torch.backends.mps.is_available()
