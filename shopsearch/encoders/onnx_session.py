"""Runs ONNX graphs with ONNX Runtime, on the CPU."""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from shopsearch.encoders.runtime import usable_cores
from shopsearch.errors import EncoderUnavailable

VERSION: str = onnxruntime.__version__
_ERRORS_ONLY = 3
onnxruntime.set_default_logger_severity(_ERRORS_ONLY)  # it warns of hardware that it does not need


class LazySession:
    """A graph with one output, loaded by its first use; may be used from several threads at once.

    `threads` of 0 takes all cores that this process may use. Raises `EncoderUnavailable`.
    """

    def __init__(self, model: Callable[[], Path | bytes], threads: int) -> None:
        self._model = model
        self._threads = threads or usable_cores()
        self._session: onnxruntime.InferenceSession | None = None
        self._lock = threading.Lock()

    def rows(self, **inputs: NDArray[np.generic]) -> NDArray[np.float32]:
        """What the graph makes of its inputs."""
        (rows,) = self._loaded().run(None, inputs)
        return np.asarray(rows, dtype=np.float32)

    def _loaded(self) -> onnxruntime.InferenceSession:
        with self._lock:
            if self._session is None:
                self._session = _open(self._model(), self._threads)
            return self._session


def _open(model: Path | bytes, threads: int) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # a thread that waits for work must not take the core on which the next pictures are decoded
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    content = model if isinstance(model, bytes) else str(model)
    try:
        return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # its errors have no root of their own
        raise EncoderUnavailable(
            f"ONNX Runtime {VERSION} cannot load the model that shopsearch made for it ({error}); "
            "install a newer onnxruntime, or set SHOPSEARCH_RUNTIME=torch"
        ) from error
