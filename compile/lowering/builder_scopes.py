"""Leave out scopes that TVM's builder of loop nests leaves behind, and its LLVM part warns of."""

from __future__ import annotations

import tvm
from tvm import tirx
from tvm_ffi import structural_map

from compile.operators.loop_nests import map_loop_nests

SCOPE = "pragma_scope"


@tvm.transform.module_pass(opt_level=0, name="LeaveOutScopes")
def leave_out_scopes(mod: tvm.IRModule, _: tvm.transform.PassContext) -> tvm.IRModule:
    """The module with what is in each such scope in its place."""
    return map_loop_nests(mod, _without_scopes)


def _without_scopes(function: tirx.PrimFunc) -> tirx.PrimFunc:
    def content(scope: tirx.AttrStmt) -> tirx.Stmt:
        return scope.body if scope.attr_key == SCOPE else scope

    return function.with_body(structural_map(function.body, (tirx.AttrStmt, content)))
