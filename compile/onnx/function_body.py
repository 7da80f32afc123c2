"""Write an operator as a function of others, with what is known of the node that uses it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from compile.onnx.model_file import STANDARD_DOMAINS, rename_inputs

if TYPE_CHECKING:
    import onnx


@dataclass(frozen=True)
class Operation:
    """A node, and what is known before the model runs: types, constant operands, opset.

    `types` and `constants` are by the names of values; `opset` is the model's of ONNX's domain.
    """

    node: onnx.NodeProto
    types: Mapping[str, onnx.TypeProto]
    constants: Mapping[str, np.ndarray]
    opset: int

    @cached_property
    def attributes(self) -> dict[str, Any]:
        """The node's attributes by name, and the defaults of those of ONNX's own operators."""
        import onnx

        found = {}
        if self.node.domain in STANDARD_DOMAINS and onnx.defs.has(self.node.op_type, self.opset):
            schema = onnx.defs.get_schema(self.node.op_type, self.opset)
            found = {
                name: one.default_value
                for name, one in schema.attributes.items()
                if one.default_value.name
            }
        found |= {one.name: one for one in self.node.attribute}
        values = {name: onnx.helper.get_attribute_value(one) for name, one in found.items()}
        return {key: v.decode() if isinstance(v, bytes) else v for key, v in values.items()}

    def has(self, place: int) -> bool:
        """Whether the node has an input at `place`."""
        return place < len(self.node.input) and bool(self.node.input[place])

    def shape(self, place: int) -> tuple[int, ...] | None:
        """The shape of an input; None where it is missing or not all of it is known."""
        return self._shape(self.node.input[place]) if self.has(place) else None

    def output_shape(self, place: int = 0) -> tuple[int, ...] | None:
        """The shape of an output; None where not all of it is known."""
        return self._shape(self.node.output[place])

    def elements(self, place: int) -> int:
        """The type of an input's elements, of onnx.TensorProto; 0 where it is not known."""
        if not self.has(place) or self.node.input[place] not in self.types:
            return 0
        return self.types[self.node.input[place]].tensor_type.elem_type

    def dtype(self, place: int) -> np.dtype[Any]:
        """The type of an input's elements; float32 where it is not known."""
        import onnx

        return np.dtype(onnx.helper.tensor_dtype_to_np_dtype(self.elements(place) or 1))

    def constant(self, place: int) -> np.ndarray | None:
        """The value of an input that does not depend on the model's inputs, if that is known."""
        return self.constants.get(self.node.input[place]) if self.has(place) else None

    def _shape(self, name: str) -> tuple[int, ...] | None:
        if name not in self.types or not self.types[name].tensor_type.HasField("shape"):
            return None
        dims = self.types[name].tensor_type.shape.dim
        if not all(dim.HasField("dim_value") for dim in dims):
            return None
        return tuple(dim.dim_value for dim in dims)


class Body:
    """The nodes of a function that does what `operation` does; `inputs` are its operands."""

    def __init__(self, operation: Operation) -> None:
        self.inputs = [f"x{i}" if name else "" for i, name in enumerate(operation.node.input)]
        self._operation = operation
        self._name = operation.node.name or operation.node.output[0]
        self._nodes: list[onnx.NodeProto] = []

    def __call__(self, operator: str, *inputs: str, **attributes: Any) -> str:
        """Add a node of one output; its name."""
        return self.several(operator, *inputs, outputs=1, **attributes)[0]

    def several(
        self, operator: str, *inputs: str, outputs: int, domain: str = "", **attributes: Any
    ) -> list[str]:
        """Add a node of several outputs; their names."""
        from onnx import helper

        count = len(self._nodes)
        names = [f"v{count}_{i}" for i in range(outputs)]
        self._nodes.append(
            helper.make_node(
                operator, inputs, names, name=f"{self._name}.{count}", domain=domain, **attributes
            )
        )
        return names

    def constant(self, value: Any, dtype: Any = None) -> str:
        """Add a constant."""
        from onnx import numpy_helper

        return self("Constant", value=numpy_helper.from_array(np.asarray(value, dtype)))

    def reshape(self, x: str, shape: Sequence[int]) -> str:
        """Add a Reshape."""
        return self("Reshape", x, self.constant(shape, np.int64))

    def unsqueeze(self, x: str, axis: int) -> str:
        """Add an Unsqueeze, in the form of the model's opset."""
        if self._operation.opset < 13:
            return self("Unsqueeze", x, axes=[axis])
        return self("Unsqueeze", x, self.constant([axis], np.int64))

    def copies(self, graph: onnx.GraphProto, names: Mapping[str, str]) -> list[str]:
        """Add the nodes of a graph whose operands have other `names` here; its results."""
        import onnx

        known = dict(names)
        for node in graph.node:
            copy = onnx.NodeProto.FromString(node.SerializeToString())
            rename_inputs(copy, known)
            count = len(self._nodes)
            known |= {name: f"v{count}_{i}" for i, name in enumerate(node.output) if name}
            copy.output[:] = [known.get(name, "") for name in node.output]
            copy.name = f"{self._name}.{count}"
            self._nodes.append(copy)
        return [known[value.name] for value in graph.output]

    def reduce(self, operator: str, x: str, axes: Sequence[int], *, keepdims: bool = True) -> str:
        """Add a reduction over `axes`, in the form of the model's opset."""
        inputs_since = 13 if operator == "ReduceSum" else 18
        if self._operation.opset < inputs_since:
            return self(operator, x, axes=list(axes), keepdims=int(keepdims))
        return self(operator, x, self.constant(axes, np.int64), keepdims=int(keepdims))

    def clip(self, x: str, low: float, high: float) -> str:
        """Add a Clip of float32 numbers, in the form of the model's opset."""
        if self._operation.opset < 11:
            return self("Clip", x, min=low, max=high)
        edges = (self.constant(edge, np.float32) for edge in (low, high))
        return self("Clip", x, *edges)

    def function(self, *results: str) -> onnx.FunctionProto:
        """The function of these results, one for each output; "" is one that nothing reads."""
        from onnx import helper

        outputs = [
            self("Identity", name or results[0]) if name in ("", *self.inputs) else name
            for name in results
        ]
        return helper.make_function(
            "",
            self._operation.node.op_type,
            [f"x{i}" for i in range(len(self.inputs))],
            outputs,
            self._nodes,
            [],
        )
