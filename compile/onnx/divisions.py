"""Refuse integers that are divided by zero: the processor ends the process, ours and the user's."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from compile.onnx.known_values import constants_of, types_of
from compile.onnx.model_file import STANDARD_DOMAINS, graphs
from depthbench.errors import InputError

if TYPE_CHECKING:
    import onnx


def check_divisions(path: Path, proto: onnx.ModelProto) -> None:
    """Raise InputError for a division of integers by zero, or by what the data decide."""
    divisions = [node for graph in graphs(proto.graph) for node in graph.node if _divides(node)]
    if not divisions:
        return
    types, constants = types_of(proto), constants_of(proto)
    elements = {name: kind.tensor_type.elem_type for name, kind in types.items()}
    for node in divisions:
        if may_divide_by_zero(node, elements, constants):
            place = node.name or ", ".join(node.output)
            raise InputError(
                f"{path}: operator {node.op_type} (node {place!r}) may divide integers by zero, "
                "which ends the process",
                advice="divide by a constant, or cast to float32 first",
            )


def may_divide_by_zero(
    node: onnx.NodeProto, elements: Mapping[str, int], constants: Mapping[str, np.ndarray]
) -> bool:
    """Whether the node divides integers by what is not known to be no zero.

    `elements` are types of onnx.TensorProto by the names of values.
    """
    from onnx import helper

    if not _divides(node):
        return False
    divisor = constants.get(node.input[1])
    if divisor is not None:
        return divisor.dtype.kind in "iu" and bool((divisor == 0).any())
    kind = next((elements[name] for name in node.input if elements.get(name)), 1)
    return np.dtype(helper.tensor_dtype_to_np_dtype(kind)).kind in "iu"


def _divides(node: onnx.NodeProto) -> bool:
    return node.op_type in ("Div", "Mod") and node.domain in STANDARD_DOMAINS
