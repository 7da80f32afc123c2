"""How fast can one core of a target multiply and add, and read memory?

Two kernels that do nothing else, to be timed where the target is: the roofs of Williams, Waterman
and Patterson's roofline (2009).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from compile.targets import Target

if TYPE_CHECKING:
    from tvm.tirx import PrimFunc

# Multiply-adds of one sum, which its operand in the first cache is long enough for; and how often.
STEPS = 2048
TIMES = 64
# More than caches hold.
MEMORY_BYTES = 64 << 20


@dataclass(frozen=True)
class Microkernel:
    """A function of the library, shapes and types of its arguments, and its work of one call.

    The work is in floating-point operations, two a multiply-add, or in bytes read.
    """

    name: str
    tensors: tuple[tuple[tuple[int, ...], str], ...]
    work: int


def write_microkernels(
    library: Path, target: Target, dtype: str = "float32"
) -> tuple[Microkernel, Microkernel]:
    """Link both kernels for one core of `target` into a library: arithmetic, then reading.

    The arithmetic is that of `dtype`, in which sums are taken too.
    """
    import tvm
    from tvm import te

    from compile.lowering import build

    machine = target.of(dtype)
    # Each sum has a register, its factor another, and the rest is for what they share.
    lanes, sums = machine.vector_lanes, min(12, machine.registers // 2 - 2)
    width = lanes * sums
    k = te.reduce_axis((0, STEPS), "k")
    a, b = te.placeholder((STEPS,), dtype, "a"), te.placeholder((width,), dtype, "b")
    multiplied = te.compute((TIMES, width), lambda i, j: te.sum(a[k] * b[j], k), "sums")
    rows = MEMORY_BYTES // (width * target.of("float32").element_bytes)
    row = te.reduce_axis((0, rows), "row")
    x = te.placeholder((rows, width), "float32", "x")
    read = te.compute((1, width), lambda i, j: te.sum(x[row, j], row), "sums")
    functions = {
        "multiply_adds": _in_registers(te.create_prim_func([a, b, multiplied]), lanes),
        "read_memory": _in_registers(te.create_prim_func([x, read]), lanes),
    }
    module = tvm.IRModule(
        {name: one.with_attr("global_symbol", name) for name, one in functions.items()}
    )
    built = tvm.tirx.build(module, tvm.target.Target(target.tvm), pipeline=build.tir_pipeline())
    build.write_library(built, library)
    arithmetic = (((STEPS,), dtype), ((width,), dtype), ((TIMES, width), dtype))
    memory = (((rows, width), "float32"), ((1, width), "float32"))
    return (
        Microkernel("multiply_adds", arithmetic, 2 * TIMES * STEPS * width),
        Microkernel("read_memory", memory, rows * width * 4),
    )


def _in_registers(function: PrimFunc, lanes: int) -> PrimFunc:
    """The function with its sums in vector registers over all steps."""
    import tvm
    from tvm.s_tir import Schedule

    sch = Schedule(tvm.IRModule({"main": function}))
    block = sch.get_sblock("sums")
    stored = sch.cache_write(block, 0, "global")
    i, j, k = sch.get_loops(block)
    outer, inner = sch.split(j, [None, lanes])
    sch.reorder(i, k, outer, inner)
    sch.reverse_compute_at(stored, i)
    sch.unroll(outer)
    sch.vectorize(inner)
    outer, inner = sch.split(sch.get_loops(stored)[-1], [None, lanes])
    sch.unroll(outer)
    sch.vectorize(inner)
    sch.decompose_reduction(block, k)
    return sch.mod["main"]
