"""Writes ONNX graphs step by step: each step names its result, and the next one takes the name.

Operators are those of the ONNX standard (https://onnx.ai/onnx/operators), and those that ONNX
Runtime brings under `com.microsoft`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

OPSET = 20
_IR_VERSION = 9  # the file format of that opset: an older ONNX Runtime reads it too
_OWN_DOMAIN = "com.microsoft"
_LEAST_LENGTH = 1e-12  # what a row is divided by at least, as in torch's `normalize`


class Graph:
    """A graph in the making. Values are known by name."""

    def __init__(self) -> None:
        self._inputs: list[Any] = []
        self._nodes: list[Any] = []
        self._weights: list[Any] = []

    def input(self, name: str, kind: type[np.generic], shape: Sequence[int | str]) -> str:
        """An input; a dimension with a name may have any length."""
        element = helper.np_dtype_to_tensor_dtype(np.dtype(kind))
        self._inputs.append(helper.make_tensor_value_info(name, element, shape))
        return name

    def weight(self, array: NDArray[Any] | float | Sequence[int]) -> str:
        """A constant. Python floats become 32-bit ones, whole numbers 64-bit."""
        values = np.asarray(array)
        if values.dtype == np.float64:
            values = values.astype(np.float32)
        name = f"w{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(np.ascontiguousarray(values), name))
        return name

    def step(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """The result of an operator."""
        result = f"v{len(self._nodes)}"
        node = helper.make_node(
            operator, inputs, [result], name=f"{operator} {result}", **attributes
        )
        self._nodes.append(node)
        return result

    def own_step(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """The result of an operator that only ONNX Runtime has."""
        return self.step(operator, *inputs, domain=_OWN_DOMAIN, **attributes)

    def linear(self, rows: str, weight: NDArray[np.float32], bias: NDArray[np.float32]) -> str:
        """What torch's `Linear` makes of rows of any rank; `weight` is (outputs, inputs)."""
        product = self.step("MatMul", rows, self.weight(weight.T))
        return self.step("Add", product, self.weight(bias))

    def unit(self, rows: str) -> str:
        """(B, D) rows at length one."""
        length = self.step("ReduceL2", rows, self.weight([1]), keepdims=1)
        return self.step("Div", rows, self.step("Max", length, self.weight(_LEAST_LENGTH)))

    def joined(self, *rows: str) -> str:
        """Rows side by side."""
        return self.step("Concat", *rows, axis=1)

    def times(self, rows: str, factor: float) -> str:
        """Rows times a number."""
        return self.step("Mul", rows, self.weight(factor))

    def clipped(self, rows: str, least: float, most: float) -> str:
        """Rows with numbers between two."""
        return self.step("Clip", rows, self.weight(least), self.weight(most))

    def model(self, output: str, shape: Sequence[int | str]) -> bytes:
        """The whole graph with its weights, as a file holds it. The output is named `rows`."""
        self._nodes.append(helper.make_node("Identity", [output], ["rows"], name="rows"))
        outputs = [helper.make_tensor_value_info("rows", TensorProto.FLOAT, shape)]
        graph = helper.make_graph(self._nodes, "shopsearch", self._inputs, outputs, self._weights)
        imports = [helper.make_opsetid("", OPSET), helper.make_opsetid(_OWN_DOMAIN, 1)]
        model = helper.make_model(
            graph, producer_name="shopsearch", opset_imports=imports, ir_version=_IR_VERSION
        )
        serialized: bytes = model.SerializeToString(deterministic=True)
        return serialized


VERSION = onnx.__version__
