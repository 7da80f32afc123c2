"""Replace sequences whose tensors are known one by one, as torch's `split` writes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from compile.onnx.model_file import STANDARD_DOMAINS, replace_nodes

# From this opset on, axes and sizes are inputs.
_AXES_AS_INPUT = 13
Constants = Mapping[str, np.ndarray]
Shapes = Mapping[str, tuple[int, ...]]


def write_out_sequences(proto: onnx.ModelProto, constants: Constants, shapes: Shapes) -> bool:
    """Replace in place what reads sequences by what reads their tensors; whether there was any."""
    versions = {one.domain: one.version for one in proto.opset_import}
    opset = max(versions.get(domain, 0) for domain in STANDARD_DOMAINS)
    writer = _Writer(proto.graph, opset, constants, shapes)
    for node in proto.graph.node:
        if node.domain not in STANDARD_DOMAINS or not writer.write(node):
            writer.nodes.append(node)
    if writer.replaced:
        proto.graph.initializer.extend(writer.weights)
        replace_nodes(proto.graph, writer.nodes)
    return writer.replaced


class _Writer:
    """The nodes so far, and the tensors of each sequence so far."""

    def __init__(
        self, graph: onnx.GraphProto, opset: int, constants: Constants, shapes: Shapes
    ) -> None:
        self.nodes: list[onnx.NodeProto] = []
        self.replaced = False
        self.weights: list[onnx.TensorProto] = []
        self._opset = opset
        self._names = {tensor.name for tensor in graph.initializer}
        self._names |= {name for node in graph.node for name in node.output}
        self._constants, self._shapes = constants, shapes
        self._tensors: dict[str, list[str]] = {}

    def write(self, node: onnx.NodeProto) -> bool:
        """Whether the node has been replaced."""
        attributes = {one.name: helper.get_attribute_value(one) for one in node.attribute}
        inputs, output = list(node.input), node.output[0]
        known = self._tensors.get(inputs[0]) if inputs else None
        if node.op_type == "SplitToSequence":
            self._split(inputs, output, attributes)
        elif node.op_type == "SequenceConstruct":
            self._tensors[output] = inputs
        elif node.op_type == "SequenceEmpty":
            self._tensors[output] = []
        elif known is None:
            return False
        elif node.op_type == "Identity":
            self._tensors[output] = known
        elif node.op_type in ("SequenceInsert", "SequenceErase"):
            self._change(node.op_type, known, inputs, output)
        elif node.op_type == "SequenceAt":
            place = self._place(inputs, 1)
            if place is None or not -len(known) <= place < len(known):
                return False
            return self._add("Identity", [known[place]], output)
        elif node.op_type == "SequenceLength":
            self.weights.append(numpy_helper.from_array(np.array(len(known)), output))
            self.replaced = True
            return True
        elif node.op_type == "ConcatFromSequence" and known:
            axis = attributes["axis"]
            if attributes.get("new_axis"):
                known = [self._with_axes("Unsqueeze", name, output, axis) for name in known]
            return self._add("Concat", known, output, axis=axis)
        return False

    def _place(self, inputs: Sequence[str], index: int) -> int | None:
        value = self._constants.get(inputs[index])
        return None if value is None else int(value.item())

    def _change(self, operator: str, known: list[str], inputs: list[str], output: str) -> None:
        inserts = operator == "SequenceInsert"
        index = 2 if inserts else 1
        given = len(inputs) > index and inputs[index]
        last = len(known) if inserts else -1
        place = self._place(inputs, index) if given else last
        if place is None:
            return
        changed = list(known)
        if inserts:
            changed.insert(place, inputs[1])
        else:
            changed.pop(place)
        self._tensors[output] = changed

    def _split(self, inputs: Sequence[str], output: str, attributes: Mapping[str, int]) -> None:
        """Split into known parts: nodes for them; the sequence itself is left to be unused."""
        shape = self._shapes.get(inputs[0])
        given = len(inputs) > 1 and bool(inputs[1])
        split = self._constants.get(inputs[1]) if given else np.array(1)
        if shape is None or split is None:
            return
        axis = attributes.get("axis", 0) % len(shape)
        if split.ndim:
            sizes = split.tolist()
        else:
            step = int(split)
            sizes = [min(step, shape[axis] - at) for at in range(0, shape[axis], step)]
        parts = [f"{output}/{index}" for index in range(len(sizes))]
        self._add_split(inputs[0], parts, sizes, axis, output)
        if not given and not attributes.get("keepdims", 1):
            parts = [self._with_axes("Squeeze", name, output, axis) for name in parts]
        self._tensors[output] = parts

    def _add_split(
        self, source: str, parts: list[str], sizes: list[int], axis: int, output: str
    ) -> None:
        if self._opset < _AXES_AS_INPUT:
            node = helper.make_node("Split", [source], parts, axis=axis, split=sizes)
        else:
            length = self._constant(f"{output}/sizes", sizes)
            node = helper.make_node("Split", [source, length], parts, axis=axis)
        self._make(node)

    def _with_axes(self, operator: str, name: str, output: str, axis: int) -> str:
        result = f"{output}/{operator}/{name}"
        if self._opset < _AXES_AS_INPUT:
            node = helper.make_node(operator, [name], [result], axes=[axis])
        else:
            axes = self._constant(f"{result}/axes", [axis])
            node = helper.make_node(operator, [name, axes], [result])
        self._make(node)
        return result

    def _constant(self, name: str, values: Sequence[int]) -> str:
        if name not in self._names:
            self._names.add(name)
            self.weights.append(numpy_helper.from_array(np.array(values, np.int64), name))
        return name

    def _make(self, node: onnx.NodeProto) -> None:
        """Add a node unless it was added for another use of the sequence."""
        if node.output[0] not in self._names:
            self._names.update(node.output)
            self.nodes.append(node)

    def _add(self, operator: str, inputs: Sequence[str], output: str, **attributes: Any) -> bool:
        self.nodes.append(helper.make_node(operator, inputs, [output], **attributes))
        self.replaced = True
        return True
