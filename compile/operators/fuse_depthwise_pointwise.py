"""Join a depthwise convolution and the pointwise one that alone reads it into one function.

Apart, they pass an image through memory, or the second cache. In one function a few rows of it are
made and used at a time.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import tvm
from tvm import relax, s_tir, tirx
from tvm.s_tir import SBlock, SBlockRealize, Schedule
from tvm_ffi import structural_map, structural_walk

from compile.graph.relax_rewriter import translate, with_operands
from compile.graph.tensors import is_operator
from compile.schedules import depthwise, depthwise_pointwise, gemm, schedule_utils
from compile.schedules.choices import WORKLOAD
from compile.targets import Target


def pair_windows(mod: tvm.IRModule, target: Target) -> tvm.IRModule:
    """The fused module with its pairs of functions joined, where their image is a large one."""
    return translate(mod, lambda builder, uses: _Pairer(mod, builder, uses, target))


class _Pairer:
    def __init__(
        self, mod: Any, builder: relax.BlockBuilder, uses: Counter[Any], target: Target
    ) -> None:
        self.mod = mod
        self.builder = builder
        self.uses = uses
        self.target = target
        self.values: dict[Any, Any] = {}
        self.windows: dict[Any, Any] = {}
        self.joined: dict[tuple[str, str, int], Any] = {}

    def bind(self, var: Any, value: Any) -> None:
        if is_operator(value, "call_tir"):
            if self.uses[var] == 1 and _family(self.mod[value.args[0]]) == depthwise.FAMILY:
                self.windows[var] = value
            value = self._with_window(value)
        self.values[var] = self.builder.emit(self.plain(value))

    def plain(self, expr: Any) -> Any:
        return with_operands(expr, lambda var: self.values.get(var, var))

    def _with_window(self, call: Any) -> Any:
        """The call, of a joined function where it reads a depthwise convolution."""
        name, inputs = call.args
        position = next((i for i, f in enumerate(inputs.fields) if f in self.windows), None)
        if position is None:
            return call
        first = self.windows[inputs.fields[position]]
        key = first.args[0].name_hint, name.name_hint, position
        if key not in self.joined:
            function = _joined(self.mod[first.args[0]], self.mod[name], position, self.target)
            hint = f"{key[0]}_{key[1].removeprefix('fused_')}"
            self.joined[key] = function and self.builder.add_func(function, hint)
        if self.joined[key] is None:
            return call
        others = [f for i, f in enumerate(inputs.fields) if i != position]
        fields = relax.Tuple([*first.args[1].fields, *others])
        return relax.Call(call.op, [self.joined[key], fields], call.attrs, call.ty_args)


def _family(function: Any) -> str:
    found = {
        str(block.annotations.get(schedule_utils.FAMILY, "")) for block in _blocks(function)
    } - {""}
    return found.pop() if len(found) == 1 else ""


def _blocks(function: Any) -> list[Any]:
    found: list[Any] = []
    structural_walk(function.body, (SBlock, found.append))
    return found


def _joined(first: Any, second: Any, position: int, target: Target) -> Any | None:
    """The two as one function whose blocks are named as its schedule expects; None if unfit."""
    image = second.params[position]
    if _family(second) != gemm.FAMILY or not depthwise_pointwise.pays(second, image, target):
        return None
    sch = Schedule(tvm.IRModule({"main": first}))
    try:
        end = schedule_utils.fold_epilogue(sch, sch.get_sblock("unpack"))
    except schedule_utils.FAILURES:
        return None
    names = {
        "accumulate": depthwise_pointwise.WINDOW,
        sch.get(end).name_hint: depthwise_pointwise.WINDOWED,
    }
    first = s_tir.renew_defs(_renamed(sch.mod["main"], names))
    if len(_blocks(first)) != 1 + len(names):
        return None
    second = s_tir.renew_defs(_renamed(second, {"accumulate": "accumulate"}))
    *inputs, made = first.params
    read = second.params[position]
    body = structural_map(second.body, (tirx.Var, lambda v: made if v.same_as(read) else v))
    roots = [first.body.block, body.block]
    buffers = [made, *(buffer for root in roots for buffer in root.alloc_buffers)]
    root = SBlock([], [], [], "root", tirx.SeqStmt([r.body for r in roots]), alloc_buffers=buffers)
    params = [*inputs, *(p for i, p in enumerate(second.params) if i != position)]
    return tirx.PrimFunc(params, SBlockRealize([], True, root), attrs=second.attrs)


def _renamed(function: Any, names: dict[str, str]) -> Any:
    """The function with its blocks called otherwise, of another family and no workload."""

    def on_block(block: Any) -> Any:
        if block.name_hint not in names:
            return block
        notes = {
            k: v
            for k, v in block.annotations.items()
            if str(k) not in (schedule_utils.FAMILY, WORKLOAD)
        }
        if block.name_hint == "accumulate":
            notes[schedule_utils.FAMILY] = depthwise_pointwise.FAMILY
        return SBlock(
            block.iter_vars,
            block.reads,
            block.writes,
            names[block.name_hint],
            block.body,
            block.init,
            block.alloc_buffers,
            block.match_buffers,
            notes,
        )

    return function.with_body(structural_map(function.body, (SBlock, on_block)))
