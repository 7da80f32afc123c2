"""Load what a sum starts from, and what is added to its multiple, for each vector of a tile.

An instruction that adds to a register overwrites it. LLVM therefore loads such a vector once, for
all tiles, and copies it for each sum, on the ports that multiply; a load takes others. It loads
again what may lie elsewhere: at a place that is moved by a number from memory that may change at
any time. The number is zero.
"""

from __future__ import annotations

from collections import Counter

import tvm
from tvm import tirx
from tvm.ir.expr import TensorLoad
from tvm_ffi import structural_map, structural_walk

from compile.lowering.stack_buffers import ON_STACK
from compile.lowering.thread_functions import SCOPE
from compile.operators.loop_nests import is_among, loop_like, map_loop_nests

# TVM's note that a buffer may change at any time.
_VOLATILE = "tirx.volatile"
_FMA = "tirx.fma"
# A tile of more vectors leaves LLVM no registers to load into where it writes all products out,
# as it does with so many at most.
_MOST_VECTORS, _WRITTEN_OUT = 20, 256


@tvm.transform.module_pass(opt_level=0, name="ReloadedVectors")
def reloaded_vectors(mod: tvm.IRModule, _: tvm.transform.PassContext) -> tvm.IRModule:
    """The vectorised module, with what sums of bytes start from and end with loaded each time.

    Only code for arm64 has multiply-adds of such sums, and is changed.
    """
    return map_loop_nests(mod, _rewritten)


def _rewritten(function: tirx.PrimFunc) -> tirx.PrimFunc:
    if not _multiplies_sums(function.body):
        return function

    def on_scope(scope: tirx.AttrStmt) -> tirx.Stmt:
        if scope.attr_key != SCOPE:
            return scope
        return tirx.AttrStmt(scope.node, SCOPE, scope.value, _reloading(scope.body))

    return function.with_body(structural_map(function.body, (tirx.AttrStmt, on_scope)))


def _reloading(body: tirx.Stmt) -> tirx.Stmt:
    own: list[tirx.Var] = []
    structural_walk(body, (tirx.AllocBuffer, lambda one: own.append(one.buffer)))
    nothing = tirx.decl_buffer((1,), "int64", "nothing")
    done: list[tirx.For] = []

    def on_loop(loop: tirx.For) -> tirx.For:
        starts = sum(_starts(one, own) for one in _statements(loop.body))
        if not starts or (starts > _MOST_VECTORS and _products(loop.body) <= _WRITTEN_OUT):
            return loop
        done.append(loop)
        return loop_like(loop, _tile(loop.body, own, nothing))

    changed = structural_map(body, (tirx.For, on_loop))
    if not done:
        return body
    notes = {_VOLATILE: tirx.const(True, "bool"), ON_STACK: tirx.const(1, "int32")}
    first = tirx.BufferStore(nothing, tirx.const(0, "int64"), [0])
    return tirx.SeqStmt([tirx.AllocBuffer(nothing, notes), first, changed])


def _tile(body: tirx.Stmt, own: list[tirx.Var], nothing: tirx.Var) -> tirx.Stmt:
    """The body of a loop over tiles; the same vector is loaded elsewhere each time."""
    moves: list[tirx.Var] = []
    times: Counter[tuple[str, str]] = Counter()

    def moved(load: tirx.Expr) -> tirx.Expr:
        if not _is_vector(load, own):
            return load
        (ramp,) = load.indices
        key = load.source.name, str(ramp)
        if times[key] == len(moves):
            moves.append(tirx.Var(f"nothing_{len(moves)}", "int64"))
        place = ramp.base.astype("int64") + moves[times[key]]
        times[key] += 1
        stride = ramp.stride.astype("int64")
        return tirx.BufferLoad(load.source, [tirx.Ramp(place, stride, ramp.lanes)])

    def on_store(store: tirx.BufferStore) -> tirx.Stmt:
        if not _starts(store, own):
            return store
        return tirx.BufferStore(store.buffer, moved(store.value), store.indices)

    def on_call(call: tvm.ir.Call) -> tirx.Expr:
        if str(getattr(call.op, "name", "")) != _FMA:
            return call
        left, right, total = call.args
        return tirx.call_intrin(str(call.ty.dtype), _FMA, left, right, moved(total))

    body = structural_map(body, (tirx.BufferStore, on_store))
    body = structural_map(body, (tvm.ir.Call, on_call))
    read = [tirx.Bind(one, tirx.BufferLoad(nothing, [0])) for one in moves]
    return tirx.SeqStmt([*read, body])


def _products(body: tirx.Stmt) -> int:
    """How often a tile's body stores a sum, what it starts from and what becomes of it included."""
    if isinstance(body, tirx.For):
        return int(body.extent) * _products(body.body)
    if isinstance(body, tirx.SeqStmt):
        return sum(map(_products, body.seq))
    return int(isinstance(body, tirx.BufferStore))


def _statements(body: tirx.Stmt) -> list[tirx.Stmt]:
    return list(body.seq) if isinstance(body, tirx.SeqStmt) else [body]


def _starts(statement: tirx.Stmt, own: list[tirx.Var]) -> bool:
    """Whether a vector of whole numbers that are an operand is where a sum starts."""
    return (
        isinstance(statement, tirx.BufferStore)
        and is_among(statement.buffer, own)
        and str(statement.value.ty.dtype).startswith("int32")
        and _is_vector(statement.value, own)
    )


def _is_vector(load: tirx.Expr, own: list[tirx.Var]) -> bool:
    if not isinstance(load, TensorLoad) or is_among(load.source, own):
        return False
    return isinstance(load.indices[0], tirx.Ramp)


def _multiplies_sums(body: tirx.Stmt) -> bool:
    found: list[tvm.ir.Call] = []

    def on_call(call: tvm.ir.Call) -> None:
        if str(getattr(call.op, "name", "")) == _FMA:
            found.append(call)

    structural_walk(body, (tvm.ir.Call, on_call))
    return bool(found)
