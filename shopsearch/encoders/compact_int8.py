"""The graph of pictures in whole numbers of 8 bits: quicker, and less exact.

The scales of the activations come from pictures that are encoded once for it (Jacob et al. 2017,
arXiv:1712.05877). The stem and the first two stages stay as they are: the head reads statistics of
the maps that they make, and in whole numbers those lose more than the rest together. Texts stay as
they are too: their scales would have to be taken from each batch, and the row of a text would
depend on its neighbours.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
from onnxruntime.quantization import (
    CalibrationDataReader,
    QuantFormat,
    QuantType,
    quantize_static,
)

from shopsearch.encoders.compact_inputs import Squares

_IN_WHOLE_NUMBERS = ["Conv", "Clip", "Add"]
_NEEDS_NO_PREPARATION = {"onnx.quant.pre_process": "onnxruntime.quant"}  # else it is asked for
_EXACT_CONVOLUTIONS = 12  # of the stem and of stages 0 and 1


def in_int8(graph: bytes, examples: Iterator[Squares]) -> bytes:
    """The graph of pictures with most of its convolutions in 8 bits."""
    model = onnx.load_from_string(graph)
    onnx.helper.set_model_props(model, _NEEDS_NO_PREPARATION)
    with tempfile.TemporaryDirectory(prefix="shopsearch-int8-") as scratch:
        made = Path(scratch) / "int8.onnx"
        quantize_static(
            model,
            made,
            _Examples(examples),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=_IN_WHOLE_NUMBERS,
            nodes_to_exclude=_exact_steps(model),
            per_channel=True,
            reduce_range=True,  # 7 bits of a weight: products of 8 overflow on CPUs without VNNI
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
        )
        return made.read_bytes()


class _Examples(CalibrationDataReader):  # type: ignore[misc]  # onnxruntime has no types
    """Batches of squares as the quantizer asks for them."""

    def __init__(self, batches: Iterator[Squares]) -> None:
        self._batches = batches

    def get_next(self) -> dict[str, Any] | None:
        """See `CalibrationDataReader.get_next`."""
        squares = next(self._batches, None)
        return None if squares is None else {"pixels": squares}


def _exact_steps(model: Any) -> list[str]:
    """The names of all steps before the first convolution that is quantized."""
    names = [step.name for step in model.graph.node]
    convolutions = [step.name for step in model.graph.node if step.op_type == "Conv"]
    return names[: names.index(convolutions[_EXACT_CONVOLUTIONS])]
