"""What does each function of a compiled model compute, and what does it move?"""

from __future__ import annotations

import re
from collections.abc import Sequence
from math import prod
from typing import Any

import numpy as np
import tvm
from tvm import tirx
from tvm.ir.expr import TensorLoad
from tvm.s_tir import SBlock
from tvm_ffi import structural_walk

from compile.operators.annotations import MACS, WORKLOAD
from compile.operators.loop_nests import is_among

# An attribute of a scheduled function beside MACS, of one call of it.
BYTES = "compile.bytes"


def loop_macs(function: tirx.PrimFunc) -> int:
    """Multiply-adds of an unscheduled function.

    What its operator says it takes, else the steps of its accumulations that multiply one tensor's
    numbers by another's.
    """
    total = 0

    def on_block(block: SBlock) -> None:
        nonlocal total
        if MACS in block.annotations:
            total += int(block.annotations[MACS])
        elif block.init is not None and _multiplies_tensors(block):
            total += prod(int(var.dom.extent) for var in block.iter_vars)

    structural_walk(function.body, (SBlock, on_block))
    return total


def _multiplies_tensors(block: SBlock) -> bool:
    results = [region.source for region in block.writes]
    found: list[bool] = []

    def on_product(product: tirx.Mul) -> None:
        a, b = _read(product.a, results), _read(product.b, results)
        found.append(bool(a and b) and a != b)

    structural_walk(block.body, (tirx.Mul, on_product))
    return any(found)


def _read(expression: tirx.Expr, results: Sequence[tirx.Var]) -> set[str]:
    """The names of the tensors that an expression reads, but for those of the results."""
    found: set[str] = set()

    def on_load(load: TensorLoad) -> None:
        if not is_among(load.source, results):
            found.add(str(load.source.name))

    structural_walk(expression, (TensorLoad, on_load))
    return found


def with_costs(scheduled: tirx.PrimFunc, function: tirx.PrimFunc, macs: int) -> tirx.PrimFunc:
    """A scheduled function that says what one call of `function`, which it was, costs."""
    return scheduled.with_attr(MACS, macs).with_attr(BYTES, operand_bytes(function))


def operand_bytes(function: tirx.PrimFunc) -> int:
    """Bytes of all that a function reads and writes, each once: what must move at the least."""
    return sum(
        prod(int(edge) for edge in one.ty.shape) * np.dtype(str(one.ty.dtype)).itemsize
        for one in function.params
    )


def kernels_of(scheduled: tvm.IRModule) -> list[dict[str, Any]]:
    """The functions of a scheduled module, by name: operator, and `macs` and `bytes` of a call.

    The operator is the workload's name, or else the operators that were fused into the function.
    """
    return [
        {
            "name": variable.name_hint,
            "operator": str(function.attrs.get(WORKLOAD, operators_of(variable.name_hint))),
            "macs": int(function.attrs[MACS]),
            "bytes": int(function.attrs[BYTES]),
        }
        for variable, function in sorted(
            scheduled.functions.items(), key=lambda entry: entry[0].name_hint
        )
        if function.attrs and MACS in function.attrs
    ]


def operators_of(name: str) -> str:
    """The operators that a function was fused from.

    TVM names it after them, with numbers to tell it from others.
    """
    return re.sub(r"\d+(?=_|$)", "", name).removeprefix("fused_")
