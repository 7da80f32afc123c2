"""Functions without an accumulation: arithmetic, copies, transposes, resizing, concatenation."""

from __future__ import annotations

from itertools import pairwise
from math import prod

from tvm import tirx
from tvm.ir import Call, Expr
from tvm.ir.expr import TensorLoad
from tvm.s_tir import Schedule
from tvm.s_tir.schedule import SBlockRV, ScheduleError
from tvm_ffi import structural_walk

from compile.operators.tiles import dividing_lanes
from compile.schedules import schedule_utils
from compile.schedules.schedule_utils import MAX_BINDINGS, MAX_NODES, count_nodes
from compile.targets import Target

# How many pixels in a row an image takes from operands in turn, and how many vectors are unrolled.
MAX_TURN = 4
MAX_UNROLLED = 64


def schedule(sch: Schedule, target: Target) -> None:
    """Inline what is computed on the way and vectorise what is written."""
    inline_producers(sch, schedule_utils.blocks(sch))
    for block in schedule_utils.blocks(sch):
        if not sch.get(block).writes:  # TVM does not say what its scatters write
            continue
        if not _interleave(sch, block, target):
            _split_by_moduli(sch, block, target)
            schedule_utils.vectorise_last(sch, block, target)


def _interleave(sch: Schedule, block: SBlockRV, target: Target) -> bool:
    """Unroll a block that takes vectors from several operands in turn, as it goes along an image.

    Which of them is then known when the code is made. False where the block is none of this kind.
    """
    loops, turns = sch.get_loops(block), _moduli(sch.get(block).body)
    if not (loops and len(turns) == 1 and _has_choice(sch.get(block).body)):
        return False
    target = target.of(schedule_utils.written_dtype(sch, block))
    lanes = dividing_lanes(schedule_utils.extent(sch, loops[-1]), target)
    if not lanes:
        return False
    (turn,) = turns
    turning = [loop for loop in loops[-3:-1] if schedule_utils.extent(sch, loop) % turn == 0]
    for loop in turning:
        sch.unroll(sch.split(loop, [None, turn])[1])
    in_turn = turn in _moduli_of(sch.get(block).body, sch.get(block).iter_vars[-1].var)
    if in_turn and schedule_utils.extent(sch, loops[-1]) % turn == 0:
        # LLVM makes vectors of a plain loop over turns, but takes one of lanes apart.
        sch.unroll(sch.split(loops[-1], [None, turn])[1])
        return True
    far, lane = sch.split(loops[-1], [None, lanes])
    if schedule_utils.extent(sch, far) * turn ** len(turning) <= MAX_UNROLLED:
        sch.unroll(far)
    sch.vectorize(lane)
    return True


def _split_by_moduli(sch: Schedule, block: SBlockRV, target: Target) -> None:
    """Split loops where they begin again in what they read, as in repetitions and reshapes.

    The remainder is then a loop of its own. LLVM would vectorise a loop over x[i % 4] as if it
    read 16 numbers in a row, for processors with AVX-512 at least. The last loop is kept where it
    alone can be vectorised.
    """
    target = target.of(schedule_utils.written_dtype(sch, block))
    loops, iterations = sch.get_loops(block), sch.get(block).iter_vars
    if len(loops) != len(iterations):
        return
    for loop, iteration in zip(loops, iterations, strict=True):
        extent, factors = schedule_utils.extent(sch, loop), [1]
        for modulus in sorted(_moduli_of(sch.get(block).body, iteration.var)):
            if extent % modulus == 0 and modulus % factors[-1] == 0 and modulus < extent:
                factors.append(modulus)
        if loop is loops[-1] and dividing_lanes(extent, target):
            factors = [one for one in factors if one == 1 or dividing_lanes(one, target)]
        if len(factors) > 1:
            inner = [b // a for a, b in pairwise(factors)]
            sch.split(loop, [None, *reversed(inner)])


def _moduli_of(body: tirx.Stmt, variable: tirx.Var) -> set[int]:
    """The numbers that a variable is taken modulo of."""
    found: set[int] = set()

    def on_modulo(node: tirx.FloorMod) -> None:
        if node.a.same_as(variable) and isinstance(node.b, tirx.IntImm) and int(node.b) > 1:
            found.add(int(node.b))

    structural_walk(body, (tirx.FloorMod, on_modulo))
    return found


def _moduli(body: tirx.Stmt) -> set[int]:
    """The small numbers that indices are taken modulo of."""
    found: set[int] = set()

    def on_modulo(node: tirx.FloorMod) -> None:
        if isinstance(node.b, tirx.IntImm) and 1 < int(node.b) <= MAX_TURN:
            found.add(int(node.b))

    structural_walk(body, (tirx.FloorMod, on_modulo))
    return found


def schedule_after(sch: Schedule, end: SBlockRV, target: Target) -> None:
    """The same for what follows the block that ends a contraction, where it could not be folded."""
    inline_producers(sch, schedule_utils.descendants(sch, end))
    for block in schedule_utils.descendants(sch, end):
        schedule_utils.vectorise_last(sch, block, target)


def inline_producers(sch: Schedule, blocks: list[SBlockRV]) -> None:
    """Inline each elementwise block that is read once a place into the block that reads it."""
    for block in blocks:
        if schedule_utils.is_reduction(sch, block) or not _is_cheap_inline(sch, block):
            continue
        if not _stays_small(sch, block):
            continue
        try:
            sch.compute_inline(block)
        except ScheduleError:
            continue  # the result of the function, or of a form that cannot be inlined


def _is_cheap_inline(sch: Schedule, block: SBlockRV) -> bool:
    readers = sch.get_consumers(block)
    if readers and _converts(sch, block):
        return True
    if not readers or any(schedule_utils.is_reduction(sch, reader) for reader in readers):
        return False
    made = prod(schedule_utils.written_shape(sch, block))
    read = 0
    for reader in readers:
        size = prod(schedule_utils.written_shape(sch, reader))
        # A concatenation or a border reads each element of an operand once, however large it is.
        read += min(size, made) if _chooses(sch, reader) else size
    return read <= 2 * made


def _stays_small(sch: Schedule, block: SBlockRV) -> bool:
    """Whether what a block computes can be written out wherever other blocks read it."""
    readers = [sch.get(reader).body for reader in sch.get_consumers(block)]
    if not readers:
        return True
    made, tensor = sch.get(block).body, sch.get(block).writes[0].source
    copies = [count_nodes(body, TensorLoad, of=tensor) for body in readers]
    if sum(copies) > 1 and sum(copies) * count_nodes(made, Expr) > MAX_NODES:
        return False
    bindings = count_nodes(made, tirx.Let)
    return not bindings or all(
        bindings * times + count_nodes(body, tirx.Let) <= MAX_BINDINGS
        for body, times in zip(readers, copies, strict=True)
    )


def _chooses(sch: Schedule, block: SBlockRV) -> bool:
    """Whether what the block writes is one of several operands, by a condition on its place."""
    value = getattr(sch.get(block).body, "value", None)
    return isinstance(value, Call) and getattr(value.op, "name", "") == "prim.if_then_else"


def _has_choice(body: tirx.Stmt) -> bool:
    """Whether operands are chosen by a condition anywhere in what is computed."""
    found: list[Call] = []

    def on_call(call: Call) -> None:
        if getattr(call.op, "name", "") == "prim.if_then_else":
            found.append(call)

    structural_walk(body, (Call, on_call))
    return bool(found)


def _converts(sch: Schedule, block: SBlockRV) -> bool:
    """Whether the block only changes its operand's type, which costs less than to store it."""
    store = sch.get(block).body
    value = getattr(store, "value", None)
    return isinstance(value, tirx.Cast) and isinstance(value.value, TensorLoad)
