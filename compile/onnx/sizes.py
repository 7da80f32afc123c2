"""Refuse a model whose tensors are not of the size that they say, or too large for memory."""

from __future__ import annotations

from collections.abc import Iterable
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING

from depthbench.errors import InputError
from depthbench.one_line import one_line

if TYPE_CHECKING:
    import onnx

MAX_ELEMENTS = 2**29


def check_tensors(path: Path, tensors: Iterable[onnx.TensorProto]) -> None:
    """Raise InputError for weights that hold more or fewer numbers than their shape says."""
    from onnx import numpy_helper

    for tensor in tensors:
        try:
            numpy_helper.to_array(tensor)
        except Exception as error:  # NumPy's, protobuf's and ONNX's own
            raise InputError(
                f"{path}: weights {tensor.name!r} are damaged: {one_line(error)}"
            ) from error


def check_values(path: Path, proto: onnx.ModelProto) -> None:
    """Raise InputError for a value of more than `MAX_ELEMENTS`, before any is computed.

    The shapes are those that ONNX infers; what it cannot infer is not looked at.
    """
    import onnx

    try:
        graph = onnx.shape_inference.infer_shapes(proto, data_prop=True).graph
    except Exception as error:  # what ONNX meets in shapes that contradict each other
        raise InputError(f"{path}: not a valid ONNX model: {one_line(error)}") from error
    for value in (*graph.input, *graph.value_info, *graph.output):
        edges = [dim.dim_value for dim in value.type.tensor_type.shape.dim]
        known = [edge for edge in edges if edge]
        if min(known, default=1) < 0 or prod(known) > MAX_ELEMENTS:
            shown = "x".join(str(edge) if edge else "?" for edge in edges)
            raise InputError(
                f"{path}: value {value.name!r} is of shape {shown}",
                advice=f"at most {MAX_ELEMENTS} elements can be computed",
            )
