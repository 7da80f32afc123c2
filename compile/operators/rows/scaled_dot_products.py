"""Attention in one kernel: softmax(scale Q K^T + mask) V, which never writes all scores to memory.

Keys and values of a head are packed into panels. Then, a block of queries at a time, the scores of
all keys are taken, become exponentials less their largest, and weight the values. A block's scores
stay in the nearest caches. So their largest is known before the first exponential, however large
they are, and nothing is corrected afterwards, as it is where keys come in blocks too (T. Dao et
al., FlashAttention, 2022).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

from tvm import relax, te, tirx

from compile.choices import describe
from compile.operators.annotations import FAMILY, MACS, WORKLOAD
from compile.operators.rows.softmax import over_rows
from compile.operators.tiles import Tile, padded, ranked_tiles
from compile.targets import Target

ATTENTION = "attention"
# Cycles of a load, and of a vector from the second cache, that arithmetic does not hide.
LOAD, SECOND_CACHE = 0.02, 0.25


@dataclass(frozen=True)
class _Geometry:
    """Lengths of queries and keys, sizes of a head's keys and values, and the tiles of both sums.

    A sum reads its first operand `step` numbers at a time.
    """

    batch: int
    heads: int
    queries: int
    keys: int
    size: int
    width: int
    scores: Tile
    values: Tile
    step: int

    @property
    def rows(self) -> int:
        """Queries, up to whole tiles."""
        return padded(self.queries, self.scores.pixels)

    @property
    def columns(self) -> int:
        """Keys whose scores are taken."""
        return padded(self.keys, self.scores.channels)

    @property
    def steps(self) -> int:
        """Keys over which values are summed."""
        return padded(self.keys, self.step)

    @property
    def depth(self) -> int:
        """Numbers of a key over which a score is summed."""
        return padded(self.size, self.step)

    def cycles(self, target: Target) -> float:
        """Estimated cycles of a head, with panels that come from the second cache."""
        of_scores = (
            padded(self.width, self.values.channels) * self.steps * _step(self.values, target)
        )
        of_values = self.columns * self.depth * _step(self.scores, target)
        return self.rows * (of_scores + of_values)

    @property
    def weights(self) -> int:
        """Scores that are asked for."""
        return self.batch * self.heads * self.queries * self.keys


def attention(builder: relax.BlockBuilder, call: relax.Call, target: Target) -> relax.Expr:
    """Attention of float32 queries, keys and values [batch, length, heads, size].

    A mask [batch or 1, heads or 1, queries or 1, keys] is added to the scores.
    """
    scale = float(call.attrs.scale.value)
    one = _geometry(call, target)
    outer = one.batch, one.heads

    def compute(query: te.Tensor, key: te.Tensor, value: te.Tensor, *mask: te.Tensor) -> te.Tensor:
        def scaled(b: tirx.Expr, h: tirx.Expr, t: tirx.Expr, d: tirx.Expr) -> tirx.Expr:
            at = _within(t, one.queries, one.rows)
            return _inside(d, one.size, one.depth, query[b, at, h, d] * _number(scale))

        rows = te.compute((*outer, one.rows, one.depth), scaled, name="rows")

        def key_of(
            b: tirx.Expr, h: tirx.Expr, block: tirx.Expr, d: tirx.Expr, lane: tirx.Expr
        ) -> tirx.Expr:
            at = _within(block * one.scores.channels + lane, one.keys, one.columns)
            return _inside(d, one.size, one.depth, key[b, at, h, d])

        blocks = one.columns // one.scores.channels
        shape = (*outer, blocks, one.depth, one.scores.channels)
        keys = te.compute(shape, key_of, name="keys")
        products = _product(rows, keys, one.scores, "products", {MACS: one.weights * one.size})

        def score(b: tirx.Expr, h: tirx.Expr, t: tirx.Expr, s: tirx.Expr) -> tirx.Expr:
            value = products[b, h, t, s]
            for added in mask:
                place = (b, h, _within(t, one.queries, one.rows), _within(s, one.keys, one.columns))
                edges = zip(place, added.shape, strict=True)
                value = value + added[tuple(0 if edge == 1 else at for at, edge in edges)]
            return value

        scores = te.compute((*outer, one.rows, one.columns), score, name="scores")
        length = one.columns, target.vector_lanes
        # Beyond the keys stand copies of the last one: no score is larger for them, but the sum is.
        largest = over_rows("largest", scores.__getitem__, (*outer, one.rows), *length, te.max)

        def power(*i: tirx.Expr) -> tirx.Expr:
            value = tirx.exp(scores[i] - largest[i[:-1]])
            return (
                value
                if one.keys == one.columns
                else tirx.Select(i[-1] < one.keys, value, _number(0.0))
            )

        powers = te.compute(scores.shape, power, name="powers")
        total = over_rows("total", powers.__getitem__, (*outer, one.rows), *length, te.sum)
        inverse = te.compute(total.shape, lambda *i: _number(1.0) / total[i], name="inverse")

        def value_of(
            b: tirx.Expr, h: tirx.Expr, block: tirx.Expr, s: tirx.Expr, lane: tirx.Expr
        ) -> tirx.Expr:
            c = block * one.values.channels + lane
            number = value[b, s, h, _within(c, one.width, blocks_of_values * one.values.channels)]
            return _inside(s, one.keys, one.steps, number)

        blocks_of_values = -(-one.width // one.values.channels)
        shape = (*outer, blocks_of_values, one.steps, one.values.channels)
        values = te.compute(shape, value_of, name="values")
        notes: dict[str, str | int] = {
            FAMILY: ATTENTION,
            MACS: one.weights * one.width,
            WORKLOAD: _workload(one, target),
        }
        sums = _product(powers, values, one.values, "accumulate", notes)
        averages = te.compute(sums.shape, lambda *i: sums[i] * inverse[i[:-1]], name="averages")
        return te.compute(
            (one.batch, one.queries, one.heads, one.width),
            lambda b, t, h, c: averages[b, h, t, c],
            name="unpack",
        )

    return builder.call_te(
        compute, *call.args, primfunc_name_hint="attention", primfunc_attrs={"op_pattern": 4}
    )


def _geometry(call: relax.Call, target: Target) -> _Geometry:
    query, key, value = ([int(edge) for edge in one.ty.shape] for one in call.args[:3])
    batch, queries, heads, size = query
    lanes = target.vector_lanes
    step = lanes if target.by_lane else 1
    pairs = itertools.product(
        ranked_tiles([queries], padded(key[1], lanes), target, may_fuse=False),
        ranked_tiles([queries], value[3], target, may_fuse=False),
    )
    known = batch, heads, queries, key[1], size, value[3]
    fitting = (_Geometry(*known, *pair, step) for pair in pairs if pair[0].pixels == pair[1].pixels)
    return min(fitting, key=lambda one: one.cycles(target))


def _step(tile: Tile, target: Target) -> float:
    """Estimated cycles of a multiply-add, of those that a tile does at a time."""
    held = tile.pixels * tile.vectors
    loads = tile.pixels / (target.vector_lanes if target.by_lane else 1) + tile.vectors
    busy = max(held / target.fma_per_cycle, loads / 2, target.fma_latency)
    busy += LOAD * (tile.pixels + tile.vectors) + SECOND_CACHE * tile.vectors
    return busy / (tile.pixels * tile.channels)


def _workload(one: _Geometry, target: Target) -> str:
    leading, sizes = (one.batch, one.heads, one.queries), (one.size, one.width)
    return describe("attention", leading, sizes, keys=one.keys, float=32, threads=target.threads)


def _product(
    rows: te.Tensor, panel: te.Tensor, tile: Tile, name: str, notes: dict[str, str | int]
) -> te.Tensor:
    """The product of rows with a panel, for each head."""
    k = te.reduce_axis((0, int(panel.shape[-2])), "k")

    def product(b: tirx.Expr, h: tirx.Expr, t: tirx.Expr, o: tirx.Expr) -> tirx.Expr:
        block, lane = te.indexdiv(o, tile.channels), te.indexmod(o, tile.channels)
        return te.sum(rows[b, h, t, k] * panel[b, h, block, k, lane], axis=k)

    width = int(panel.shape[2]) * tile.channels
    return te.compute(
        (*rows.shape[:3], width), product, name=name, attrs=notes | tile.annotations()
    )


def _within(index: tirx.Expr, length: int, reach: int) -> tirx.Expr:
    """An index that may reach beyond the end, where the last element is repeated."""
    return index if reach == length else tirx.min(index, length - 1)


def _inside(index: tirx.Expr, length: int, reach: int, value: tirx.Expr) -> tirx.Expr:
    """A value within the length, and zero beyond it."""
    return value if reach == length else te.if_then_else(index < length, value, _number(0.0))


def _number(value: float) -> tirx.Expr:
    return tirx.const(value, "float32")
