"""Write a resize as a Resize that TVM reads rightly, or as weighted sums of rows and columns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from compile.onnx.tvm_resize import equivalent
from depthbench.errors import InputError

if TYPE_CHECKING:
    import onnx

_RANKS_OF_TVM = (3, 4, 5)
# More taps than cubic interpolation has are better a matrix product.
_MAX_TAPS = 4


class Written:
    """The nodes and weights that compute a resize of an input of `shape` and element type."""

    def __init__(self, node: onnx.NodeProto, shape: list[int], elements: int) -> None:
        from onnx import helper

        self.nodes: list[onnx.NodeProto] = []
        self.weights: list[onnx.TensorProto] = []
        self._node, self._shape = node, list(shape)
        self._dtype = np.dtype(helper.tensor_dtype_to_np_dtype(elements))
        self._attributes = attributes_of(node)

    def write(self, matrices: Mapping[int, np.ndarray]) -> None:
        """Multiply each axis by its matrix; raises InputError for integers that it would mix."""
        value = self._node.input[0]
        after = list(self._shape)
        for axis, matrix in matrices.items():
            after[axis] = len(matrix)
        outside = {axis: np.isnan(matrix).any(axis=1) for axis, matrix in matrices.items()}
        cropped = any(rows.any() for rows in outside.values())
        way = None
        if matrices and min(matrices) >= 2 and len(after) in _RANKS_OF_TVM and not cropped:
            kept = {axis: np.eye(after[axis], dtype=np.float32) for axis in range(2, len(after))}
            way = equivalent(self._attributes, {**kept, **matrices}.values())
        if way is not None:
            sizes = self._weight(np.array(after, np.int64))
            self._call("Resize", value, "", "", sizes, last=True, **way)
            return
        for axis, matrix in matrices.items():
            value = self._multiplied(value, axis, np.nan_to_num(matrix, nan=0.0))
        if cropped:
            value = self._filled(value, outside)
        self._call("Identity", value, last=True)

    def _multiplied(self, value: str, axis: int, matrix: np.ndarray) -> str:
        taps = int((matrix != 0).sum(axis=1).max(initial=1))
        columns = np.argsort(matrix == 0, axis=1, kind="stable")[:, :taps]
        factors = np.take_along_axis(matrix, columns, axis=1)
        if not np.issubdtype(self._dtype, np.floating) and not (factors == 1).all():
            raise InputError(
                f"it mixes pixels of type {self._dtype}",
                advice="cast its input to float32 before it",
            )
        if taps > _MAX_TAPS:
            order = [*(i for i in range(len(self._shape)) if i != axis), axis]
            back = [order.index(i) for i in range(len(self._shape))]
            value = self._call("Transpose", value, perm=order)
            value = self._call("MatMul", value, self._weight(self._typed(matrix.T)))
            return self._call("Transpose", value, perm=back)
        terms = []
        for tap in range(taps):
            index = self._weight(columns[:, tap].astype(np.int64))
            term = self._call("Gather", value, index, axis=axis)
            if not (factors[:, tap] == 1).all():
                spread = factors[:, tap].reshape([-1] + [1] * (len(self._shape) - 1 - axis))
                term = self._call("Mul", term, self._weight(self._typed(spread)))
            terms.append(term)
        total = terms[0]
        for term in terms[1:]:
            total = self._call("Add", total, term)
        return total

    def _filled(self, value: str, outside: Mapping[int, np.ndarray]) -> str:
        """The value with what lies outside of the crop, where it is zero, filled."""
        fill = self._attributes.get("extrapolation_value", 0.0)
        mask = np.zeros([1] * len(self._shape), bool)
        for axis, rows in outside.items():
            mask = mask | rows.reshape([-1] + [1] * (len(self._shape) - 1 - axis))
        return self._call("Add", value, self._weight(self._typed(np.where(mask, fill, 0))))

    def _typed(self, array: np.ndarray) -> np.ndarray:
        return np.ascontiguousarray(array).astype(self._dtype)

    def _weight(self, array: np.ndarray) -> str:
        from onnx import numpy_helper

        name = f"{self._node.output[0]}.weight{len(self.weights)}"
        self.weights.append(numpy_helper.from_array(array, name))
        return name

    def _call(self, operator: str, *inputs: str, last: bool = False, **attributes: Any) -> str:
        from onnx import helper

        count = len(self.nodes)
        result = self._node.output[0] if last else f"{self._node.output[0]}.{count}"
        made = helper.make_node(operator, inputs, [result], **attributes)
        made.name = self._node.name if last else f"{self._node.name}.{count}"
        self.nodes.append(made)
        return result


def attributes_of(node: onnx.NodeProto) -> dict[str, Any]:
    """The attributes that a node gives, by name."""
    from onnx import helper

    found = {one.name: helper.get_attribute_value(one) for one in node.attribute}
    return {key: v.decode() if isinstance(v, bytes) else v for key, v in found.items()}
