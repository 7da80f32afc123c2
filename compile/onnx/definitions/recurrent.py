"""Recurrent layers, step after step: the number of steps is known."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from compile.onnx.function_body import Body, Operation
from depthbench.errors import InputError

if TYPE_CHECKING:
    import onnx

MAX_STEPS = 32
_ACTIVATIONS = {
    "RNN": ["Tanh"],
    "GRU": ["Sigmoid", "Tanh"],
    "LSTM": ["Sigmoid", "Tanh", "Tanh"],
}
_PLAIN = ("Relu", "Sigmoid", "Softplus", "Softsign", "Tanh")


@dataclass
class _Layer:
    """One direction of a recurrent layer; `weights` are W, R, both biases and P, by name."""

    operation: Operation
    body: Body
    batch: int
    size: int
    activations: Sequence[str]
    weights: dict[str, str] = field(default_factory=dict)

    def activated(self, place: int, *terms: str) -> str:
        """The sum of the terms, clipped, by the activation of that place."""
        body, total = self.body, terms[0]
        for term in terms[1:]:
            total = body("Add", total, term)
        clip = self.operation.attributes.get("clip")
        if clip:
            dtype = self.operation.dtype(0)
            limit = np.full([self.batch, self.size], clip)
            total = body("Min", total, body.constant(limit, dtype))
            total = body("Max", total, body.constant(-limit, dtype))
        return body(self.activations[place], total)

    def gates(self, x: str, count: int) -> list[str]:
        """The parts [batch, size] of the last axis."""
        parts = self.body.reshape(x, [self.batch, count, self.size])
        return [
            self.body("Gather", parts, self.body.constant(i, np.int64), axis=1)
            for i in range(count)
        ]

    def by_state(self, h: str) -> str:
        """The state's product with its weights, and the bias of these."""
        product = self.body("MatMul", h, self.weights["R"])
        return self.body("Add", product, self.weights["state bias"])

    def one_less(self, x: str) -> str:
        """One less the value."""
        one = self.body.constant(np.ones([1]), self.operation.dtype(0))
        return self.body("Sub", one, x)


def _simple(layer: _Layer, x: str, state: list[str]) -> list[str]:
    return [layer.activated(0, x, layer.by_state(state[0]))]


def _gated(layer: _Layer, x: str, state: list[str]) -> list[str]:
    body, (h,) = layer.body, state
    x_update, x_reset, x_new = layer.gates(x, 3)
    h_update, h_reset, h_new = layer.gates(layer.by_state(h), 3)
    update = layer.activated(0, x_update, h_update)
    reset = layer.activated(0, x_reset, h_reset)
    if layer.operation.attributes["linear_before_reset"]:
        h_new = body("Mul", reset, h_new)
    else:
        h_new = layer.gates(layer.by_state(body("Mul", reset, h)), 3)[2]
    new = layer.activated(1, x_new, h_new)
    kept = body("Mul", update, h)
    return [body("Add", body("Mul", layer.one_less(update), new), kept)]


def _long_short(layer: _Layer, x: str, state: list[str]) -> list[str]:
    body, (h, c) = layer.body, state
    total = body("Add", x, layer.by_state(h))
    entry, exit_, forget, new = layer.gates(total, 4)
    peeps = [""] * 3
    if "P" in layer.weights:
        pieces = body.reshape(layer.weights["P"], [3, layer.size])
        peeps = [body("Gather", pieces, body.constant(i, np.int64), axis=0) for i in range(3)]

    def gate(part: str, peep: str, cell: str) -> str:
        return layer.activated(0, part, *([body("Mul", peep, cell)] if peep else []))

    entry = gate(entry, peeps[0], c)
    coupled = layer.operation.attributes["input_forget"]
    forget = layer.one_less(entry) if coupled else gate(forget, peeps[2], c)
    new = layer.activated(1, new)
    c = body("Add", body("Mul", forget, c), body("Mul", entry, new))
    return [body("Mul", gate(exit_, peeps[1], c), layer.activated(2, c)), c]


def _definition(
    step: Callable[[_Layer, str, list[str]], list[str]], gates: int, states: int
) -> Callable[[Operation], onnx.FunctionProto | None]:
    def define(operation: Operation) -> onnx.FunctionProto | None:
        shape, kind = operation.shape(0), operation.node.op_type
        if shape is None or any(operation.attributes.get(f"activation_{x}") for x in _GREEK):
            return None
        if operation.has(4) and operation.opset < _WHERE:
            return None
        if kind == "LSTM" and operation.attributes.get("clip"):
            return None  # ONNX Runtime clips some of the sums only
        attributes, body = operation.attributes, Body(operation)
        by_batch = attributes.get("layout", 0)
        length, batch, width = (shape[1], shape[0], shape[2]) if by_batch else shape
        size, directions = attributes["hidden_size"], _DIRECTIONS[attributes["direction"]]
        if length * len(directions) > MAX_STEPS:
            raise InputError(
                f"it takes {length * len(directions)} steps",
                advice=f"at most {MAX_STEPS} are written out; give it a shorter sequence",
            )
        functions = attributes.get("activations") or _ACTIVATIONS[kind] * len(directions)
        functions = [one.decode() if isinstance(one, bytes) else one for one in functions]
        if not set(functions) <= set(_PLAIN):
            return None
        share = len(_ACTIVATIONS[kind])
        x = body("Transpose", body.inputs[0], perm=[1, 0, 2]) if by_batch else body.inputs[0]
        rows: list[list[str]] = [["" for _ in directions] for _ in range(length)]
        last: list[list[str]] = [[] for _ in range(states)]
        for place, backwards in enumerate(directions):
            activations = functions[place * share : (place + 1) * share]
            layer = _Layer(operation, body, batch, size, activations)
            _take_weights(layer, place, gates)
            inputs = body.reshape(x, [length * batch, width])
            inputs = body("MatMul", inputs, layer.weights["W"])
            inputs = body("Add", inputs, layer.weights["input bias"])
            inputs = body.reshape(inputs, [length, batch, gates * size])
            state = [_first_state(layer, 5 + i, place, by_batch) for i in range(states)]
            for time in reversed(range(length)) if backwards else range(length):
                row = body("Gather", inputs, body.constant(time, np.int64), axis=0)
                new = step(layer, row, state)
                rows[time][place], state = _while_it_lasts(layer, time, new, state)
            for i, one in enumerate(state):
                last[i].append(body.reshape(one, [1, batch, size]))
        flat = [body.reshape(one, [1, 1, batch, size]) for row in rows for one in row]
        y = body.reshape(body("Concat", *flat, axis=0), [length, len(directions), batch, size])
        ends = [body("Concat", *one, axis=0) for one in last]
        if by_batch:
            y = body("Transpose", y, perm=[2, 0, 1, 3])
            ends = [body("Transpose", one, perm=[1, 0, 2]) for one in ends]
        return body.function(*[y, *ends][: len(operation.node.output)])

    return define


def _take_weights(layer: _Layer, place: int, gates: int) -> None:
    operation, body = layer.operation, layer.body
    index = body.constant(place, np.int64)
    for name, i in (("W", 1), ("R", 2)):
        one = body("Gather", body.inputs[i], index, axis=0)
        layer.weights[name] = body("Transpose", one, perm=[1, 0])
    width = gates * layer.size
    if operation.has(3):
        biases = body("Gather", body.inputs[3], index, axis=0)
        halves = body.reshape(biases, [2, width])
        both = [body("Gather", halves, body.constant(i, np.int64), axis=0) for i in range(2)]
    else:
        both = [body.constant(np.zeros(width), operation.dtype(0))] * 2
    layer.weights["input bias"], layer.weights["state bias"] = both
    if operation.has(7):
        layer.weights["P"] = body("Gather", body.inputs[7], index, axis=0)


def _first_state(layer: _Layer, given: int, place: int, by_batch: int) -> str:
    body, operation = layer.body, layer.operation
    if not operation.has(given):
        return body.constant(np.zeros([layer.batch, layer.size]), operation.dtype(0))
    index = body.constant(place, np.int64)
    return body("Gather", body.inputs[given], index, axis=1 if by_batch else 0)


def _while_it_lasts(
    layer: _Layer, time: int, new: list[str], old: list[str]
) -> tuple[str, list[str]]:
    """The result of a step and the state after it: zeros and the old one beyond the end."""
    body = layer.body
    if not layer.operation.has(4):
        return new[0], new
    lengths = body.reshape(body.inputs[4], [layer.batch, 1])
    lasts = body("Less", body.constant(time, np.int32), lengths)
    zeros = body.constant(np.zeros([1, 1]), layer.operation.dtype(0))
    state = [body("Where", lasts, a, b) for a, b in zip(new, old, strict=True)]
    return body("Where", lasts, new[0], zeros), state


_WHERE = 9
_GREEK = ("alpha", "beta")
_DIRECTIONS = {"forward": [False], "reverse": [True], "bidirectional": [False, True]}
DEFINITIONS = {
    ("", "RNN"): _definition(_simple, 1, 1),
    ("", "GRU"): _definition(_gated, 3, 1),
    ("", "LSTM"): _definition(_long_short, 4, 2),
}
