"""Prefetch weights that are read but once while the kernels before them still multiply.

The two products of a squeeze-and-excite block read each weight once, for one pixel: all of their
time is waiting for memory. A convolution shortly before them has time to spare on the way to
memory: it prefetches their weights line by line, and they find them in the second cache.

Several threads do so too for the panel of weights that each begins the next kernel with: what they
wait for all at once takes the more of a kernel's time, the shorter that is.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
import tvm
from tvm import relax, tirx
from tvm.s_tir import SBlockRealize
from tvm_ffi import structural_mutate

from compile.graph.relax_rewriter import Translator, call_on, translate
from compile.graph.tensors import is_operator
from compile.operators.loop_nests import loop_like, mentions
from compile.schedules.rewrites.prefetch import LINE_BYTES, WAITING_SHARE, prefetch
from compile.targets import Target

# Fewer bytes arrive while one looks.
LEAST_BYTES = 16 * 1024
# A kernel that prefetches must take some time: multiply-adds for each byte of the weights.
WORK = 2
# How far before its use a weight is prefetched, in kernels.
DISTANCE = 6


@dataclass(frozen=True)
class _Prefetch:
    """Weights of a later kernel: `elements` for each thread, from `stride` times its number on."""

    weight: relax.Expr
    elements: int
    stride: int

    @property
    def bytes(self) -> int:
        """What each thread prefetches."""
        return self.elements * _width(self.weight)


@dataclass
class _Kernel:
    """A call of a scheduled function: its weights by position, and what it prefetches.

    `divides_weights` says that each thread reads other panels of them than the others.
    """

    call: relax.Call
    function: tirx.PrimFunc
    macs: int
    weights: int | None
    divides_weights: bool
    prefetches: list[_Prefetch] = field(default_factory=list)


def prefetch_across_kernels(mod: tvm.IRModule, target: Target) -> tvm.IRModule:
    """The scheduled module, its convolutions prefetching weights of the products behind them."""
    main = mod["main"]
    if not target.prefetches or not isinstance(main.body, relax.SeqExpr):
        return mod
    kernels: dict[relax.Var, _Kernel] = {}
    recent: list[_Kernel] = []
    for block in main.body.blocks:
        for binding in block.bindings:
            if not is_operator(binding.value, "call_tir"):
                continue
            kernel = _kernel(mod, binding.value)
            kernels[binding.var] = kernel
            _find_place(kernel, recent[-DISTANCE:], target)
            recent.append(kernel)
    return translate(mod, lambda builder, uses: _Prefetcher(builder, kernels, target.threads))


def _kernel(mod: tvm.IRModule, call: relax.Call) -> _Kernel:
    function = mod[call.args[0]]
    loops, update = _nest(function)
    if update is None:
        return _Kernel(call, function, 0, None, False)
    panel = update.block.reads[2].source
    position = next((i for i, p in enumerate(function.params) if p.same_as(panel)), None)
    return _Kernel(call, function, _turns(loops), position, _divides_channels(loops, update))


def _turns(loops: list[tirx.For]) -> int:
    return prod(int(loop.extent) for loop in loops)


def _divides_channels(loops: list[tirx.For], update: SBlockRealize) -> bool:
    parallel = next((loop for loop in loops if loop.kind == tirx.ForKind.PARALLEL), None)
    kinds = [one.iter_type for one in update.block.iter_vars]
    values = zip(update.iter_values, kinds, strict=True)
    *_, channels = [value for value, kind in values if kind == tirx.IterVar.DataPar]
    return parallel is not None and mentions(channels, parallel.loop_var)


def _find_place(kernel: _Kernel, before: list[_Kernel], target: Target) -> None:
    """Note what the kernel is to find in the second cache at one of those before it."""
    if kernel.weights is None:
        return
    weight = kernel.call.args[1].fields[kernel.weights]
    if not isinstance(weight, tvm.ir.expr.GenericConst):
        return
    blocks, *panel = (int(edge) for edge in weight.ty.shape)
    if kernel.macs == blocks * prod(panel):
        share = kernel.macs // target.threads
        wanted = _Prefetch(weight, share, share)
    elif target.threads > 1:
        before = before[-1:]
        stride = blocks // target.threads * prod(panel) if kernel.divides_weights else 0
        wanted = _Prefetch(weight, prod(panel), stride)
    else:
        return
    if wanted.bytes < LEAST_BYTES // target.threads:
        return
    for one in reversed(before):
        waiting = wanted.bytes + sum(other.bytes for other in one.prefetches)
        enough = one.macs >= WORK * waiting * target.threads
        if enough and waiting <= target.l2_bytes * WAITING_SHARE:
            one.prefetches.append(wanted)
            return


def _width(weight: relax.Expr) -> int:
    return np.dtype(str(weight.ty.dtype)).itemsize


class _Prefetcher(Translator):
    def __init__(
        self, builder: relax.BlockBuilder, kernels: dict[relax.Var, _Kernel], threads: int
    ) -> None:
        super().__init__(builder)
        self.threads = threads
        self.kernels = kernels
        self.prefetching: dict[tuple[Any, ...], relax.GlobalVar] = {}

    def bind(self, var: relax.Var, value: relax.Expr) -> None:
        kernel = self.kernels.get(var)
        if kernel is not None and kernel.prefetches:
            value = self._with_weights(kernel)
        self.values[var] = self.builder.emit(self.plain(value))

    def _with_weights(self, kernel: _Kernel) -> relax.Call:
        name, inputs = kernel.call.args
        wanted = kernel.prefetches
        key = name, tuple((str(one.weight.ty), one.elements, one.stride) for one in wanted)
        if key not in self.prefetching:
            function = _prefetching(kernel.function, len(inputs.fields), wanted, self.threads)
            self.prefetching[key] = self.builder.add_func(function, f"{name.name_hint}_prefetching")
        fields = relax.Tuple([*inputs.fields, *(one.weight for one in wanted)])
        return call_on(kernel.call, [self.prefetching[key], fields])


def _prefetching(
    function: tirx.PrimFunc, inputs: int, wanted: list[_Prefetch], threads: int
) -> tirx.PrimFunc:
    """The function with more inputs, whose lines it prefetches as it multiplies."""
    later = [
        tirx.decl_buffer([int(e) for e in w.ty.shape], str(w.ty.dtype), f"later_{i}")
        for i, w in enumerate(one.weight for one in wanted)
    ]
    nest, _ = _nest(function)
    loops = [loop for loop in nest if loop.kind in (tirx.ForKind.SERIAL, tirx.ForKind.PARALLEL)]
    run: tirx.Expr = tirx.const(0, "int64")
    thread: tirx.Expr = tirx.const(0, "int64")
    for loop in loops:
        run = run * loop.extent + loop.loop_var
        if loop.kind == tirx.ForKind.PARALLEL:
            thread = tirx.floordiv(loop.loop_var * threads, loop.extent)
    turns = -(-_turns(loops) // threads)
    pairs = zip(later, wanted, strict=True)
    hints = [hint for buffer, one in pairs for hint in _hints(buffer, one, run, thread, turns)]

    def on_loop(loop: tirx.For, mutator: Any) -> tirx.Stmt:
        if not loop.same_as(loops[-1]):
            return mutator.default_mutate(loop)
        return loop_like(loop, tirx.SeqStmt([*hints, loop.body]))

    params = [*function.params[:inputs], *later, *function.params[inputs:]]
    body = structural_mutate(function.body, [(tirx.For, on_loop)])
    return tirx.PrimFunc(params, body, function.ret_type, attrs=function.attrs)


def _hints(
    buffer: tirx.Var, wanted: _Prefetch, run: tirx.Expr, thread: tirx.Expr, turns: int
) -> list[tirx.Stmt]:
    """Those of one run of a kernel's loops, of which each thread does so many in turn."""
    line = LINE_BYTES // _width(wanted.weight)
    each = -(-wanted.elements // turns)
    first = run * each + thread * (wanted.stride - turns * each)
    origin = [0] * (len(buffer.shape) - 1)
    return [prefetch(buffer[(*origin, first + offset)]) for offset in range(0, each, line)]


def _nest(function: tirx.PrimFunc) -> tuple[list[tirx.For], SBlockRealize | None]:
    """The loops around the accumulation, outermost first, and the block as it lies in them."""
    around: list[tirx.For] = []
    found: list[tuple[list[tirx.For], SBlockRealize]] = []

    def on_loop(loop: tirx.For, mutator: Any) -> tirx.Stmt:
        around.append(loop)
        mutator.default_mutate(loop)
        around.pop()
        return loop

    def on_block(update: SBlockRealize, mutator: Any) -> tirx.Stmt:
        if update.block.name_hint == "accumulate_update" and len(update.block.reads) == 3:
            found.append((list(around), update))
        mutator.default_mutate(update)
        return update

    structural_mutate(function.body, [(tirx.For, on_loop), (SBlockRealize, on_block)])
    return found[0] if len(found) == 1 else ([], None)
