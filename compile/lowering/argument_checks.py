"""Leave out the checks of arguments that the module itself passes from one kernel to the next.

TVM checks type, shape, strides and alignment of each argument at each call, all over the memory
that describes it, which has left the caches since: on the flagship half a microsecond a call. What
a caller hands in may be anything, and stays checked.
"""

from __future__ import annotations

import tvm
from tvm import relax, tirx
from tvm_ffi import structural_map, structural_walk

from compile.graph.tensors import is_operator
from compile.operators.loop_nests import map_loop_nests

CHECKED = "compile.checked"


def keep_checks_of_inputs(mod: tvm.IRModule) -> tvm.IRModule:
    """The scheduled module, its kernels marked that read what is not another kernel's result."""
    calls: list[tuple[relax.Var, relax.Call]] = []

    def on_binding(binding: relax.VarBinding) -> None:
        if is_operator(binding.value, "call_tir"):
            calls.append((binding.var, binding.value))

    structural_walk(mod["main"].body, (relax.VarBinding, on_binding))
    results = {var for var, _ in calls}
    marked = tvm.IRModule(dict(mod.functions), attrs=mod.attrs)
    for _, call in calls:
        kernel, operands = call.args
        if any(isinstance(one, relax.Var) and one not in results for one in operands.fields):
            marked.update_func(kernel, mod[kernel].with_attr(CHECKED, True))
    return marked


@tvm.transform.module_pass(opt_level=0, name="LeaveOutChecks")
def leave_out_checks(mod: tvm.IRModule, _: tvm.transform.PassContext) -> tvm.IRModule:
    """The lowered module without checks in kernels that are not marked."""
    return map_loop_nests(mod, _unchecked)


def _unchecked(function: tirx.PrimFunc) -> tirx.PrimFunc:
    if CHECKED in (function.attrs or {}):
        return function
    nothing = tirx.Evaluate(tirx.const(0, "int32"))
    body = structural_map(function.body, (tirx.AssertStmt, lambda _: nothing))
    return function.with_body(body)
