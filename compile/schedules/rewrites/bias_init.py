"""Start sums from the bias rather than from zero.

A bias that is added to a finished sum costs an instruction for each vector of the output, on the
ports that multiply, and so does the zero before it. A sum that starts as the bias costs one load.
"""

from __future__ import annotations

from math import prod

from tvm import tirx
from tvm.ir import Range
from tvm.ir.expr import TensorLoad, TensorRegion
from tvm.s_tir import SBlock
from tvm_ffi import structural_map, structural_walk

from compile.operators.loop_nests import block_like, is_among

# The blocks that schedules accumulate in.
_SUMS = ("accumulate", "window")


def start_from_bias(function: tirx.PrimFunc) -> tirx.PrimFunc:
    """The scheduled function with its accumulation started from the bias, where it has one.

    The order of the sum changes, and with it the last bit of a result.
    """
    for name in _SUMS:
        function = _started(function, f"{name}_init", f"{name}_update")
    return function


def _started(function: tirx.PrimFunc, start_name: str, step_name: str) -> tirx.PrimFunc:
    blocks: list[SBlock] = []
    structural_walk(function.body, (SBlock, blocks.append))
    start = next((block for block in blocks if block.name_hint == start_name), None)
    if start is None:
        return function
    total = start.writes[0].source
    inner = [block for block in blocks if block.name_hint not in ("root", start_name, step_name)]
    ends = [block for block in inner if _loads(block.body, total)]
    biased = _biased_sum(ends[0], total, function) if len(ends) == 1 else None
    if biased is None:
        return function
    end, (whole, sum_, bias) = ends[0], biased
    places = list(zip(sum_.indices, start.body.indices, strict=True))
    indices = [next((to for at, to in places if at.same_as(i)), i) for i in bias.indices]
    first = tirx.BufferStore(total, bias.source[tuple(indices)], start.body.indices)
    like = next(region for region in end.reads if region.source.same_as(bias.source))
    read = TensorRegion(bias.source, [Range(0, edge) for edge in bias.source.ty.shape], like.ty)
    rest = structural_map(end.body, (tirx.Add, lambda add: sum_ if add.same_as(whole) else add))

    def on_block(block: SBlock) -> SBlock:
        if block.name_hint == start_name:
            return block_like(block, reads=[read], body=first)
        return block_like(block, body=rest) if block.name_hint == end.name_hint else block

    return function.with_body(structural_map(function.body, (SBlock, on_block)))


def _biased_sum(
    end: SBlock, total: tirx.Var, function: tirx.PrimFunc
) -> tuple[tirx.Add, TensorLoad, TensorLoad] | None:
    """The addition of a bias to the finished sum: the whole, the sum, the bias."""
    if len(_loads(end.body, total)) != 1:
        return None
    channels = int(total.ty.shape[-1])
    found: list[tuple[tirx.Add, TensorLoad, TensorLoad]] = []

    def on_add(add: tirx.Add) -> None:
        for sum_, bias in ((add.a, add.b), (add.b, add.a)):
            if not (isinstance(sum_, TensorLoad) and isinstance(bias, TensorLoad)):
                continue
            if not sum_.source.same_as(total) or not is_among(bias.source, function.params):
                continue
            shape = [int(edge) for edge in bias.source.ty.shape]
            if not shape or not prod(shape) == shape[-1] == channels:
                continue
            if bias.indices[-1].same_as(sum_.indices[-1]):
                found.append((add, sum_, bias))

    structural_walk(end.body, (tirx.Add, on_add))
    return found[0] if len(found) == 1 else None


def _loads(body: tirx.Stmt, buffer: tirx.Var) -> list[TensorLoad]:
    found: list[TensorLoad] = []
    structural_walk(
        body, (TensorLoad, lambda load: found.append(load) if load.source.same_as(buffer) else None)
    )
    return found
