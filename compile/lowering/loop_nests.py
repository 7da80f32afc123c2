"""A module whose loop nests are rewritten one by one, and whose other functions stay."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tvm
from tvm import tirx


def map_loop_nests(mod: tvm.IRModule, rewritten: Callable[[Any], Any]) -> tvm.IRModule:
    """The module with `rewritten` of each of its tirx functions in its place."""
    changed = {
        variable: rewritten(function)
        for variable, function in mod.functions.items()
        if isinstance(function, tirx.PrimFunc)
    }
    return tvm.IRModule({**dict(mod.functions), **changed}, attrs=mod.attrs)
