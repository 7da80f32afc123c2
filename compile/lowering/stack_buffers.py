"""Keep small buffers of a kernel on the stack of the thread that uses them.

TVM asks its runtime for each buffer of a kilobyte or more. That takes a microsecond or two, as long
as a product of one pixel, since the runtime's lists have left the caches since it was last asked,
and the memory it gives was last used by whoever. A stack is always near.
"""

from __future__ import annotations

from math import prod

import tvm
from tvm import tirx
from tvm_ffi import structural_map

from compile.operators.loop_nests import map_loop_nests

# Of one buffer, and of all in a function: threads of Android have stacks of a megabyte.
MOST_BYTES = 64 * 1024
MOST_BYTES_TOGETHER = 128 * 1024
# TVM leaves a buffer with this note to LLVM.
ON_STACK = "disable_lower_builtin"


@tvm.transform.module_pass(opt_level=0, name="StackBuffers")
def stack_buffers(mod: tvm.IRModule, _: tvm.transform.PassContext) -> tvm.IRModule:
    """The lowered module with its small buffers on the stack."""
    return map_loop_nests(mod, _rewritten)


def _rewritten(function: tirx.PrimFunc) -> tirx.PrimFunc:
    together = 0

    def on_buffer(allocation: tirx.AllocBuffer) -> tirx.Stmt:
        nonlocal together
        size = _bytes(allocation.buffer)
        if not 0 < size <= min(MOST_BYTES, MOST_BYTES_TOGETHER - together):
            return allocation
        together += size
        return tirx.AllocBuffer(allocation.buffer, {ON_STACK: tirx.const(1, "int32")})

    return function.with_body(structural_map(function.body, (tirx.AllocBuffer, on_buffer)))


def _bytes(buffer: tirx.Var) -> int:
    """The size of a buffer; zero where it is known only when the code runs."""
    edges = list(buffer.shape)
    if not all(isinstance(edge, tirx.IntImm) for edge in edges):
        return 0
    dtype = tvm.DataType(str(buffer.ty.dtype))
    return prod(int(edge) for edge in edges) * dtype.bits * dtype.lanes // 8
