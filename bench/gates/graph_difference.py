"""Where does a model's file first differ from what it was: in which node, in which weights?"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator
from typing import TYPE_CHECKING, Annotated

from pydantic import BaseModel, ConfigDict, Field

if TYPE_CHECKING:
    import onnx

DIGITS = 16


class GraphPrint(BaseModel):
    """A graph in few enough words to keep: its nodes in their order, and its weights."""

    model_config = ConfigDict(extra="forbid", strict=True)

    nodes: list[Annotated[list[str], Field(min_length=2, max_length=2)]] = Field(
        description="Of each its label, and a hash of its operator, attributes and wiring."
    )
    weights: dict[str, str] = Field(
        description="Type, shape and hash of every initializer and constant, by name."
    )

    def computes_as(self, other: GraphPrint) -> bool:
        """Whether the other is the same but for names and the values of weights."""
        return self._operators() == other._operators()

    def _operators(self) -> tuple[list[str], list[str]]:
        shapes = [tensor.rpartition(" ")[0] for tensor in self.weights.values()]
        return [node for _, node in self.nodes], shapes


def print_graph(proto: onnx.ModelProto) -> GraphPrint:
    """The print of a model, inner graphs among it."""
    from compile.onnx import model_file

    nodes: list[list[str]] = []
    weights: dict[str, str] = {}
    for graph in model_file.graphs(proto.graph):
        weights |= {name: _tensor_print(tensor) for name, tensor in _tensors(graph)}
        made = {name: i for i, node in enumerate(graph.node) for name in node.output}
        nodes += [[_label(node), _node_hash(node, made)] for node in graph.node]
    return GraphPrint(nodes=nodes, weights=weights)


def first_difference(
    was: GraphPrint, proto: onnx.ModelProto, moved: Collection[str] = ()
) -> str | None:
    """The first node that is another or reads other weights than in `was`, in words.

    Where weights are known to have `moved` by more than is allowed, only those count. None where
    all is as it was.
    """
    from compile.onnx import model_file

    now = print_graph(proto)
    changed = set(moved) or {
        name for name, value in now.weights.items() if was.weights.get(name) != value
    }
    position = 0
    for graph in model_file.graphs(proto.graph):
        for node in graph.node:
            if position >= len(was.nodes):
                return f"node {_label(node)}, which is new"
            before, found = was.nodes[position], now.nodes[position]
            if before[1] != found[1]:
                then = f", which was {before[0]}" if before[0] != found[0] else ""
                return f"node {found[0]}{then or ', its attributes or inputs'}"
            for name in (*node.input, *node.output):
                if name in changed:
                    return f"initializer {name} of node {found[0]}"
            position += 1
    if position < len(was.nodes):
        return f"node {was.nodes[position][0]}, which is gone"
    return None


def _label(node: onnx.NodeProto) -> str:
    name = node.name or next(iter(node.output), "")
    return f"{name} ({node.op_type})"


def _node_hash(node: onnx.NodeProto, made: dict[str, int]) -> str:
    """Names are not in it, so that a file that is exported anew has the same."""
    parts = [f"{node.domain} {node.op_type} {[made.get(name, -1) for name in node.input]}".encode()]
    for attribute in sorted(node.attribute, key=lambda one: one.name):
        plain = not (attribute.HasField("t") or attribute.HasField("g"))
        parts.append(attribute.SerializeToString() if plain else attribute.name.encode())
    return _digest(b"\n".join(parts))


def _tensors(graph: onnx.GraphProto) -> Iterator[tuple[str, onnx.TensorProto]]:
    yield from ((tensor.name, tensor) for tensor in graph.initializer)
    for node in graph.node:
        for attribute in node.attribute:
            if attribute.HasField("t") and node.output:
                yield node.output[0], attribute.t


def _tensor_print(tensor: onnx.TensorProto) -> str:
    from onnx import numpy_helper

    values = numpy_helper.to_array(tensor)
    # the bytes of an array of strings are where these lie
    content = repr(values.tolist()).encode() if values.dtype.kind == "O" else values.tobytes()
    shape = "x".join(map(str, values.shape))
    return f"{values.dtype} {shape} {_digest(content)}"


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:DIGITS]
