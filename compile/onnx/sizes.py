"""Refuse a model whose values are of no size, or too large for memory."""

from __future__ import annotations

from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from compile.onnx.known_values import types_of
from compile.onnx.model_file import graphs
from depthbench.errors import InputError
from depthbench.one_line import one_line

if TYPE_CHECKING:
    import onnx

MAX_ELEMENTS = 2**29


def check_values(path: Path, proto: onnx.ModelProto) -> None:
    """Raise InputError for a value of more than `MAX_ELEMENTS`, before any is computed.

    The shapes are those that ONNX infers; what it cannot infer is not looked at. A slice of a
    negative size would end the process there, so that first slices are left out.
    """
    nodes = [node for graph in graphs(proto.graph) for node in graph.node]
    slices = [node for node in nodes if node.op_type == "Slice"]
    if slices:
        for node in slices:
            node.op_type = "Slice that is left out"
        try:
            _check_types(path, proto)
        finally:
            for node in slices:
                node.op_type = "Slice"
    _check_types(path, proto)


def _check_types(path: Path, proto: onnx.ModelProto) -> None:
    try:
        types = types_of(proto)
    except Exception as error:  # what ONNX meets in shapes that contradict each other
        raise InputError(f"{path}: not a valid ONNX model: {one_line(error)}") from error
    for name, kind in types.items():
        edges = [dim.dim_value for dim in kind.tensor_type.shape.dim]
        known = [edge for edge in edges if edge]
        if min(known, default=1) < 0 or prod(known) > MAX_ELEMENTS:
            shown = "x".join(str(edge) if edge else "?" for edge in edges)
            raise InputError(
                f"{path}: value {name!r} is of shape {shown}",
                advice=f"at most {MAX_ELEMENTS} elements can be computed",
            )
