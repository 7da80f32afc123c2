"""Scans over an axis of known length, step after step."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from compile.onnx.function_body import Body, Operation
from compile.onnx.model_file import graphs
from depthbench.errors import InputError

if TYPE_CHECKING:
    import onnx

MAX_NODES = 2_000


def _scan(operation: Operation) -> onnx.FunctionProto | None:
    """The graph of each step is copied; what it uses from outside becomes an operand."""
    node, attributes = operation.node, operation.attributes
    graph, scanned = attributes["body"], attributes["num_scan_inputs"]
    states = len(node.input) - scanned
    axes = attributes.get("scan_input_axes") or [0] * scanned
    shapes = [operation.shape(states + i) for i in range(scanned)]
    if operation.opset < _WITHOUT_BATCH or None in shapes or not shapes:
        raise InputError("how often it repeats is not known", advice=_ADVICE)
    steps = (shapes[0] or ())[axes[0]]
    if not 0 < steps * len(graph.node) <= MAX_NODES:
        raise InputError(f"it makes {steps} steps of {len(graph.node)} nodes", advice=_ADVICE)

    outside = list(_captured(graph))
    first = len(node.input)
    node.input.extend(outside)
    body = Body(operation)
    known = dict(zip(outside, body.inputs[first:], strict=True))
    for tensor in graph.initializer:
        known[tensor.name] = body("Constant", value=tensor)
    state, rows = body.inputs[:states], []
    backwards = attributes.get("scan_input_directions") or [0] * scanned
    for step in range(steps):
        slices = []
        for i, axis in enumerate(axes):
            place = body.constant(steps - 1 - step if backwards[i] else step, np.int64)
            slices.append(body("Gather", body.inputs[states + i], place, axis=axis))
        operands = zip(graph.input, [*state, *slices], strict=True)
        names = known | {value.name: name for value, name in operands}
        results = body.copies(graph, names)
        state = results[:states]
        rows.append(results[states:])
    collected = len(graph.output) - states
    out_axes = attributes.get("scan_output_axes") or [0] * collected
    reverse = attributes.get("scan_output_directions") or [0] * collected
    stacks = []
    for i in range(collected):
        row = [one[i] for one in rows]
        wide = [body.unsqueeze(one, out_axes[i]) for one in (reversed(row) if reverse[i] else row)]
        stacks.append(body("Concat", *wide, axis=out_axes[i]))
    return body.function(*[*state, *stacks][: len(node.output)])


def _captured(graph: onnx.GraphProto) -> Iterator[str]:
    """The values that a graph uses and does not define."""
    defined: set[str] = set()
    for one in graphs(graph):
        defined |= {value.name for value in (*one.input, *one.initializer)}
        defined |= {name for node in one.node for name in node.output}
    used: dict[str, Any] = {}
    for one in graphs(graph):
        used |= dict.fromkeys(name for node in one.node for name in node.input)
        used |= dict.fromkeys(value.name for value in one.output)
    yield from (name for name in used if name and name not in defined)


_WITHOUT_BATCH = 9
_ADVICE = "export the model with its loops written out, as tracing does"
DEFINITIONS = {("", "Scan"): _scan}
