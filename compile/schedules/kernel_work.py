"""What does each function of a compiled model compute, and what does it move?"""

from __future__ import annotations

import re
from math import prod
from typing import Any

import numpy as np
import tvm
from tvm import tirx
from tvm.s_tir import SBlock
from tvm_ffi import structural_walk

from compile.operators.annotations import MACS, WORKLOAD

# An attribute of a scheduled function beside MACS, of one call of it.
BYTES = "compile.bytes"


def loop_macs(function: tirx.PrimFunc) -> int:
    """Multiply-adds of an unscheduled function.

    What its operator says it takes, else the steps of its accumulations that multiply floats.
    """
    total = 0

    def on_block(block: SBlock) -> None:
        nonlocal total
        if MACS in block.annotations:
            total += int(block.annotations[MACS])
        elif block.init is not None and _multiplies_floats(block.body):
            total += prod(int(var.dom.extent) for var in block.iter_vars)

    structural_walk(function.body, (SBlock, on_block))
    return total


def _multiplies_floats(body: tirx.Stmt) -> bool:
    found: list[bool] = []
    structural_walk(body, (tirx.Mul, lambda node: found.append("float" in str(node.ty))))
    return any(found)


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
            "operator": str(function.attrs.get(WORKLOAD, _operators(variable.name_hint))),
            "macs": int(function.attrs[MACS]),
            "bytes": int(function.attrs[BYTES]),
        }
        for variable, function in sorted(
            scheduled.functions.items(), key=lambda entry: entry[0].name_hint
        )
        if function.attrs and MACS in function.attrs
    ]


def _operators(name: str) -> str:
    """TVM names a function after its operators, with numbers to tell it from others."""
    return re.sub(r"\d+(?=_|$)", "", name).removeprefix("fused_")
