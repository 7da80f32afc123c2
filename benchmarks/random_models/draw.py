"""The random choices that a model is made of, and the model that they make."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

OLDEST_OPSET, NEWEST_OPSET = 7, 26
IR_VERSION = 10
Choice = TypeVar("Choice")


class NotDrawn(Exception):
    """The choices so far make no valid model."""


class Draw:
    """A model that is being drawn, of one opset.

    Its values are names; every result that no node reads becomes an output of the model.
    """

    def __init__(self, seed: Sequence[int]) -> None:
        self.random = np.random.default_rng(list(seed))
        self.opset = NEWEST_OPSET
        self.nodes: list[onnx.NodeProto] = []
        self.inputs: list[onnx.ValueInfoProto] = []
        self._weights: list[TensorProto] = []
        self._unread: list[str] = []
        self._domains = {"": self.opset}

    def draw_opset(self, operator: str) -> None:
        """Draw one of the versions of an operator, then an opset that it belongs to."""
        versions = _versions().get(operator)
        if not versions:
            return
        ends = [min(end, NEWEST_OPSET + 1) for end in (*versions[1:], NEWEST_OPSET + 1)]
        spans = [
            (max(first, OLDEST_OPSET), end)
            for first, end in zip(versions, ends, strict=True)
            if end > OLDEST_OPSET and first <= NEWEST_OPSET
        ]
        if operator == "Upsample":
            spans = [(7, 9), (9, 10)]
        first, end = self.one_of(spans)
        self.use_opset(self.integer(first, end - 1))

    def use_opset(self, opset: int) -> None:
        """Draw for this opset from now on."""
        self.opset = self._domains[""] = opset

    def integer(self, low: int, high: int) -> int:
        """From `low` to `high`, both among them."""
        return int(self.random.integers(low, high + 1))

    def real(self, low: float, high: float) -> float:
        """A number of few digits, so that single precision holds what the file says."""
        return round(float(self.random.uniform(low, high)), 3)

    def one_of(self, choices: Sequence[Choice]) -> Choice:
        """One of the choices, each as likely."""
        return choices[self.integer(0, len(choices) - 1)]

    def chance(self, share: float) -> bool:
        """True in this share of the cases."""
        return bool(self.random.random() < share)

    def some(self, **attributes: Any) -> dict[str, Any]:
        """A random part of the attributes."""
        return {name: value for name, value in attributes.items() if self.chance(0.6)}

    def shape(self, low: int = 1, high: int = 5, largest: int = 9) -> list[int]:
        """A shape of `low` to `high` axes; many of its edges are odd, some are one."""
        rank = self.integer(low, high)
        largest = min(largest, {5: 5, 4: 9}.get(rank, largest))
        return [1 if self.chance(0.15) else self.integer(1, largest) for _ in range(rank)]

    def image(self, channels: int | None = None, axes: int = 2, least: int = 1) -> list[int]:
        """The shape of a batch of one or two with channels and `axes` further axes."""
        channels = channels or self.one_of([1, 2, 3, 4, 5, 8, 16])
        largest = {1: 30, 2: 13, 3: 6}[axes]
        edges = [self.integer(least, max(least, largest)) for _ in range(axes)]
        return [2 if self.chance(0.2) else 1, channels, *edges]

    def axis(self, rank: int) -> int:
        """An axis, counted from the end in a third of the cases."""
        axis = self.integer(0, rank - 1)
        return axis - rank if self.chance(0.35) else axis

    def axes(self, rank: int, least: int = 1) -> list[int]:
        """Different axes in any order."""
        count = self.integer(min(least, rank), rank)
        chosen = self.random.permutation(rank)[:count]
        return [int(axis) - rank if self.chance(0.3) else int(axis) for axis in chosen]

    def array(self, shape: Sequence[int], dtype: str = "float32") -> np.ndarray:
        """Standard normal, or small integers."""
        kind = np.dtype(dtype)
        if kind.kind == "b":
            return self.random.integers(0, 2, shape).astype(bool)
        if kind.kind in "iu":
            return self.random.integers(0 if kind.kind == "u" else -9, 10, shape).astype(kind)
        return np.asarray(self.random.standard_normal(shape)).astype(kind)

    def input(self, shape: Sequence[int], dtype: str = "float32") -> str:
        """A new input of the model."""
        name = f"x{len(self.inputs)}"
        kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
        self.inputs.append(helper.make_tensor_value_info(name, kind, shape))
        return name

    def constant(self, array: np.ndarray | list[Any], dtype: str | None = None) -> str:
        """A weight of the model, or the result of a Constant node."""
        value = np.array(array, dtype)
        if self.chance(0.25):
            tensor = numpy_helper.from_array(value)
            return self.node("Constant", [], value=tensor)
        name = f"w{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(value, name))
        return name

    def operand(self, shape: Sequence[int], dtype: str = "float32", constant: float = 0.4) -> str:
        """A constant in this share of the cases, else an input."""
        if self.chance(constant):
            return self.constant(self.array(shape, dtype))
        return self.input(shape, dtype)

    def node(self, operator: str, inputs: Sequence[str], **attributes: Any) -> str:
        """The first result of a new node."""
        return self.results(operator, inputs, 1, **attributes)[0]

    def results(
        self, operator: str, inputs: Sequence[str], count: int, domain: str = "", **attributes: Any
    ) -> list[str]:
        """The results of a new node; inputs left out at the end are not written."""
        given = list(inputs)
        while given and not given[-1]:
            given.pop()
        names = [f"y{len(self.nodes)}" + (f"_{place}" if place else "") for place in range(count)]
        made = helper.make_node(operator, given, names, domain=domain, **attributes)
        if self.chance(0.5):
            made.name = f"{operator}_{len(self.nodes)}"
        if domain:
            self._domains[domain] = 1
        self.nodes.append(made)
        self._unread = [name for name in self._unread if name not in given] + names
        return names

    def model(self) -> onnx.ModelProto:
        """The model; raises NotDrawn where it has no input or is not valid."""
        if not self.inputs:
            raise NotDrawn("no input")
        outputs = [helper.make_empty_tensor_value_info(name) for name in self._unread]
        graph = helper.make_graph(self.nodes, "drawn", self.inputs, outputs, self._weights)
        opsets = [helper.make_opsetid(name, version) for name, version in self._domains.items()]
        model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION)
        try:
            return onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
        except Exception as error:  # ONNX's own exceptions have no common base
            raise NotDrawn(str(error)) from error

    def shape_of(self, name: str) -> list[int]:
        """The static shape of a value; raises NotDrawn where ONNX cannot tell it."""
        graph = self.model().graph
        for value in (*graph.input, *graph.value_info, *graph.output):
            dims = value.type.tensor_type.shape.dim
            if value.name == name and all(dim.dim_value > 0 for dim in dims):
                return [dim.dim_value for dim in dims]
        raise NotDrawn(f"the shape of {name} is not known")


@functools.cache
def _versions() -> dict[str, list[int]]:
    """The opsets in which each of ONNX's operators was changed."""
    found: dict[str, list[int]] = {}
    for schema in onnx.defs.get_all_schemas_with_history():
        if schema.domain == "" and not schema.deprecated:
            found.setdefault(schema.name, []).append(schema.since_version)
    return {name: sorted(versions) for name, versions in found.items()}


Drawer = Callable[[Draw], None]
