"""Join a depthwise convolution and the pointwise one that alone reads it into one function.

Apart, they pass an image through memory, or the second cache. In one function a few rows of it are
made and used at a time.
"""

from __future__ import annotations

import tvm
from tvm import relax, s_tir, tirx
from tvm.s_tir import SBlock, SBlockRealize, Schedule
from tvm.s_tir.schedule import ScheduleError
from tvm_ffi import structural_map, structural_walk

from compile.graph.relax_rewriter import Translator, Uses, call_on, translate
from compile.graph.tensors import is_operator
from compile.operators.annotations import FAMILY, WORKLOAD
from compile.operators.depthwise_convolution import DEPTHWISE
from compile.operators.loop_nests import block_like
from compile.operators.matrix_product import MATRIX_PRODUCT
from compile.schedules import depthwise_pointwise
from compile.schedules.epilogue import fold_epilogue
from compile.targets import Target


def fuse_depthwise_pointwise(mod: tvm.IRModule, target: Target) -> tvm.IRModule:
    """The fused module with its pairs of functions joined, where their image is a large one."""
    return translate(mod, lambda builder, uses: _Pairer(mod, builder, uses, target))


class _Pairer(Translator):
    def __init__(
        self, mod: tvm.IRModule, builder: relax.BlockBuilder, uses: Uses, target: Target
    ) -> None:
        super().__init__(builder)
        self.mod = mod
        self.uses = uses
        self.target = target
        self.windows: dict[relax.Var, relax.Call] = {}
        self.joined: dict[tuple[str, str, int], relax.GlobalVar | None] = {}

    def bind(self, var: relax.Var, value: relax.Expr) -> None:
        if is_operator(value, "call_tir"):
            if self.uses[var] == 1 and _family(self.mod[value.args[0]]) == DEPTHWISE:
                self.windows[var] = value
            value = self._with_window(value)
        self.values[var] = self.builder.emit(self.plain(value))

    def _with_window(self, call: relax.Call) -> relax.Call:
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
        return call_on(call, [self.joined[key], fields])


def _family(function: tirx.PrimFunc) -> str:
    found = {str(block.annotations.get(FAMILY, "")) for block in _blocks(function)} - {""}
    return found.pop() if len(found) == 1 else ""


def _blocks(function: tirx.PrimFunc) -> list[SBlock]:
    found: list[SBlock] = []
    structural_walk(function.body, (SBlock, found.append))
    return found


def _joined(
    first: tirx.PrimFunc, second: tirx.PrimFunc, position: int, target: Target
) -> tirx.PrimFunc | None:
    """The two as one function whose blocks are named as its schedule expects; None if unfit."""
    image = second.params[position]
    if _family(second) != MATRIX_PRODUCT or not depthwise_pointwise.pays(second, image, target):
        return None
    sch = Schedule(tvm.IRModule({"main": first}))
    try:
        end = fold_epilogue(sch, sch.get_sblock("unpack"))
    except ScheduleError:  # apart, the schedule of the first meets it again, and says so
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


def _renamed(function: tirx.PrimFunc, names: dict[str, str]) -> tirx.PrimFunc:
    """The function with its blocks called otherwise, of another family and no workload."""

    def on_block(block: SBlock) -> SBlock:
        if block.name_hint not in names:
            return block
        notes = {k: v for k, v in block.annotations.items() if str(k) not in (FAMILY, WORKLOAD)}
        if block.name_hint == "accumulate":
            notes[FAMILY] = depthwise_pointwise.DEPTHWISE_POINTWISE
        return block_like(block, name_hint=names[block.name_hint], annotations=notes)

    return function.with_body(structural_map(function.body, (SBlock, on_block)))
