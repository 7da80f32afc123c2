"""Ask for weights that are read but once while the kernels before them still multiply.

The two products of a squeeze-and-excite block read each weight once, for one pixel: all of their
time is waiting for memory. A convolution shortly before them has time to spare on the way to
memory: it asks for their weights line by line, and they find them in the second cache.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import prod
from typing import Any

import numpy as np
import tvm
from tvm import relax, tirx
from tvm.s_tir import SBlock
from tvm_ffi import structural_mutate

from compile.passes.straight_line import translate, with_operands
from compile.passes.tensors import is_operator
from compile.schedules.prefetch import LINE_BYTES, prefetch
from compile.targets import Target

# Fewer bytes arrive while one looks.
LEAST_BYTES = 16 * 1024
# A kernel that asks for weights must take some time: multiply-adds for each of their bytes.
WORK = 2
# How far before its use a weight is asked for, in kernels, and how much of the second cache waits.
DISTANCE = 6
SHARE = 0.5


@dataclass
class _Kernel:
    """A call of a scheduled function: its weights by position, and what it asks for."""

    call: Any
    function: Any
    macs: int
    weights: int | None
    asks_for: list[Any] = field(default_factory=list)


def ask_for_next_weights(mod: tvm.IRModule, target: Target) -> tvm.IRModule:
    """The scheduled module, its convolutions asking for weights of the products behind them."""
    main = mod["main"]
    if not target.prefetches or not isinstance(main.body, relax.SeqExpr):
        return mod
    kernels: dict[Any, _Kernel] = {}
    recent: list[_Kernel] = []
    for block in main.body.blocks:
        for binding in block.bindings:
            if not is_operator(binding.value, "call_tir"):
                continue
            kernel = _kernel(mod, binding.value)
            kernels[binding.var] = kernel
            _find_place(kernel, recent[-DISTANCE:], target)
            recent.append(kernel)
    return translate(mod, lambda builder, uses: _Asker(builder, kernels))


def _kernel(mod: tvm.IRModule, call: Any) -> _Kernel:
    function = mod[call.args[0]]
    loops, panel = _nest(function)
    macs = prod(int(loop.extent) for loop in loops)
    position = None
    if panel is not None and macs == prod(int(edge) for edge in panel.ty.shape):
        position = next((i for i, p in enumerate(function.params) if p.same_as(panel)), None)
    return _Kernel(call, function, macs if loops else 0, position)


def _find_place(kernel: _Kernel, before: list[_Kernel], target: Target) -> None:
    if kernel.weights is None:
        return
    weight = kernel.call.args[1].fields[kernel.weights]
    size = _bytes(weight)
    if not isinstance(weight, tvm.ir.expr.GenericConst) or size < LEAST_BYTES:
        return
    for one in reversed(before):
        waiting = size + sum(_bytes(other) for other in one.asks_for)
        if one.macs >= WORK * waiting and waiting <= target.l2_bytes * SHARE:
            one.asks_for.append(weight)
            return


def _bytes(weight: Any) -> int:
    return prod(int(edge) for edge in weight.ty.shape) * np.dtype(str(weight.ty.dtype)).itemsize


class _Asker:
    def __init__(self, builder: relax.BlockBuilder, kernels: dict[Any, _Kernel]) -> None:
        self.builder = builder
        self.kernels = kernels
        self.values: dict[Any, Any] = {}
        self.asking: dict[Any, Any] = {}

    def bind(self, var: Any, value: Any) -> None:
        kernel = self.kernels.get(var)
        if kernel is not None and kernel.asks_for:
            value = self._with_weights(kernel)
        self.values[var] = self.builder.emit(self.plain(value))

    def plain(self, expr: Any) -> Any:
        return with_operands(expr, lambda var: self.values.get(var, var))

    def _with_weights(self, kernel: _Kernel) -> Any:
        name, inputs = kernel.call.args
        key = name, tuple(str(weight.ty) for weight in kernel.asks_for)
        if key not in self.asking:
            function = _asking(kernel.function, len(inputs.fields), kernel.asks_for)
            self.asking[key] = self.builder.add_func(function, f"{name.name_hint}_asking")
        fields = relax.Tuple([*inputs.fields, *kernel.asks_for])
        return relax.Call(
            kernel.call.op, [self.asking[key], fields], kernel.call.attrs, kernel.call.ty_args
        )


def _asking(function: Any, inputs: int, weights: list[Any]) -> Any:
    """The function with more inputs, for whose lines it asks as it multiplies."""
    later = [
        tirx.decl_buffer([int(e) for e in w.ty.shape], str(w.ty.dtype), f"later_{i}")
        for i, w in enumerate(weights)
    ]
    nest, _ = _nest(function)
    loops = [loop for loop in nest if loop.kind in (tirx.ForKind.SERIAL, tirx.ForKind.PARALLEL)]
    run: Any = tirx.const(0, "int64")
    for loop in loops:
        run = run * loop.extent + loop.loop_var
    runs = prod(int(loop.extent) for loop in loops)
    hints = [hint for buffer in later for hint in _hints(buffer, run, runs)]

    def on_loop(loop: Any, mutator: Any) -> Any:
        if not loop.same_as(loops[-1]):
            return mutator.default_mutate(loop)
        body = tirx.SeqStmt([*hints, loop.body])
        return tirx.For(
            loop.loop_var, loop.min, loop.extent, loop.kind, body, annotations=loop.annotations
        )

    params = [*function.params[:inputs], *later, *function.params[inputs:]]
    body = structural_mutate(function.body, [(tirx.For, on_loop)])
    return tirx.PrimFunc(params, body, function.ret_type, attrs=function.attrs)


def _hints(buffer: Any, run: Any, runs: int) -> list[Any]:
    shape = [int(edge) for edge in buffer.ty.shape]
    elements, line = prod(shape), LINE_BYTES // np.dtype(str(buffer.ty.dtype)).itemsize
    each = -(-elements // runs)
    origin = [0] * (len(shape) - 1)
    places = (buffer[(*origin, run * each + offset)] for offset in range(0, each, line))
    return [prefetch(place) for place in places]


def _nest(function: Any) -> tuple[list[Any], Any]:
    """The loops around the accumulation, outermost first, and the weights that it reads."""
    around: list[Any] = []
    found: list[tuple[list[Any], Any]] = []

    def on_loop(loop: Any, mutator: Any) -> Any:
        around.append(loop)
        mutator.default_mutate(loop)
        around.pop()
        return loop

    def on_block(block: Any, mutator: Any) -> Any:
        if block.name_hint == "accumulate_update" and len(block.reads) == 3:
            found.append((list(around), block.reads[2].source))
        mutator.default_mutate(block)
        return block

    structural_mutate(function.body, [(tirx.For, on_loop), (SBlock, on_block)])
    return found[0] if len(found) == 1 else ([], None)
