"""Replace `If` of known condition and `Loop` of known count by the nodes of their bodies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import onnx
from onnx import helper, numpy_helper

from compile.onnx.model_file import STANDARD_DOMAINS, rename_inputs, replace_nodes

# A loop that would make the graph larger than this is not written out.
MAX_NODES = 10_000
Constants = Mapping[str, np.ndarray]


def inline_known_subgraphs(graph: onnx.GraphProto, constants: Constants) -> bool:
    """Inline in place what `constants` decide; whether there was any."""
    nodes: list[onnx.NodeProto] = []
    found = False
    for node in graph.node:
        inlined = None
        if node.domain in STANDARD_DOMAINS and node.op_type == "If":
            inlined = _branch(graph, node, constants)
        elif node.domain in STANDARD_DOMAINS and node.op_type == "Loop":
            inlined = _iterations(graph, node, constants)
        nodes.extend([node] if inlined is None else inlined)
        found |= inlined is not None
    if found:
        replace_nodes(graph, nodes)
    return found


def _branch(
    graph: onnx.GraphProto, node: onnx.NodeProto, constants: Constants
) -> list[onnx.NodeProto] | None:
    condition = constants.get(node.input[0])
    if condition is None or condition.size != 1:
        return None
    wanted = "then_branch" if condition.item() else "else_branch"
    body = next(one.g for one in node.attribute if one.name == wanted)
    nodes, results = _inlined(graph, body, node.output[0], [])
    return nodes + [_copy(a, b) for a, b in zip(results, node.output, strict=False) if b]


def _iterations(
    graph: onnx.GraphProto, node: onnx.NodeProto, constants: Constants
) -> list[onnx.NodeProto] | None:
    body = next(one.g for one in node.attribute if one.name == "body")
    count = constants.get(node.input[0])
    start = constants.get(node.input[1]) if len(node.input) > 1 and node.input[1] else np.True_
    if count is None or start is None or count.size != 1 or not _goes_on(body, constants):
        return None
    trips = max(0, int(count.item())) if bool(start) else 0
    carried = list(node.input[2:])
    collected = len(body.output) - 1 - len(carried)
    if len(graph.node) + trips * len(body.node) > MAX_NODES or (collected and not trips):
        return None
    prefix = next(name for name in node.output if name)
    graph.initializer.append(numpy_helper.from_array(np.array(True), f"{prefix}/true"))
    nodes: list[onnx.NodeProto] = []
    rows: list[list[str]] = [[] for _ in range(collected)]
    for trip in range(trips):
        number = f"{prefix}/{trip}"
        graph.initializer.append(numpy_helper.from_array(np.array(trip), number))
        arguments = [number, f"{prefix}/true", *carried]
        inner, results = _inlined(graph, body, f"{prefix}/{trip}", arguments)
        nodes += inner
        carried = results[1 : 1 + len(carried)]
        for row, result in zip(rows, results[1 + len(carried) :], strict=True):
            row.append(result)
    nodes += [_copy(a, b) for a, b in zip(carried, node.output, strict=False) if b]
    for row, output in zip(rows, node.output[len(carried) :], strict=False):
        if output:
            nodes += _stacked(row, output)
    return nodes


def _goes_on(body: onnx.GraphProto, constants: Constants) -> bool:
    """Whether a loop's body says after each iteration that there is another one."""
    makers = {name: node for node in body.node for name in node.output}
    name = body.output[0].name
    while name in makers and makers[name].op_type in ("Identity", "Cast"):
        name = makers[name].input[0]
    return name == body.input[1].name or (name in constants and bool(constants[name].all()))


def _stacked(row: Sequence[str], output: str) -> list[onnx.NodeProto]:
    sequence = f"{output}/rows"
    return [
        helper.make_node("SequenceConstruct", row, [sequence]),
        helper.make_node("ConcatFromSequence", [sequence], [output], axis=0, new_axis=1),
    ]


def _inlined(
    graph: onnx.GraphProto, body: onnx.GraphProto, prefix: str, arguments: Sequence[str]
) -> tuple[list[onnx.NodeProto], list[str]]:
    """The nodes of a body for `graph`, which gets its weights, and the names of its results."""
    names = {value.name: name for value, name in zip(body.input, arguments, strict=True)}
    for tensor in body.initializer:
        names[tensor.name] = f"{prefix}/{tensor.name}"
        graph.initializer.append(tensor)
        graph.initializer[-1].name = names[tensor.name]
    for node in body.node:
        names.update({name: f"{prefix}/{name}" for name in node.output if name})
    nodes = []
    for node in body.node:
        copy = onnx.NodeProto.FromString(node.SerializeToString())
        rename_inputs(copy, names)
        copy.output[:] = [names.get(name, name) for name in copy.output]
        copy.name = f"{prefix}/{copy.name}" if copy.name else ""
        nodes.append(copy)
    return nodes, [names.get(value.name, value.name) for value in body.output]


def _copy(source: str, name: str) -> onnx.NodeProto:
    return helper.make_node("Identity", [source], [name])
