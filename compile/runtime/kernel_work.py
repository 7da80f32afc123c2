"""What does each function of a compiled model compute, and what does it move?"""

from __future__ import annotations

import re
from math import prod
from typing import Any

import numpy as np

from compile.schedules.choices import WORKLOAD

# Attributes of a scheduled function, of one call of it.
MACS = "compile.macs"
BYTES = "compile.bytes"


def with_costs(scheduled: Any, function: Any, macs: int) -> Any:
    """A scheduled function that says what one call of `function`, which it was, costs."""
    return scheduled.with_attr(MACS, macs).with_attr(BYTES, operand_bytes(function))


def operand_bytes(function: Any) -> int:
    """Bytes of all that a function reads and writes, each once: what must move at the least."""
    return sum(
        prod(int(edge) for edge in one.ty.shape) * np.dtype(str(one.ty.dtype)).itemsize
        for one in function.params
    )


def kernels_of(scheduled: Any) -> list[dict[str, Any]]:
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
