"""How each operator is moved in front of an enlargement of what it reads.

A rule returns the result, or None where the operator must see the whole image.
"""

from __future__ import annotations

import functools

import numpy as np
from tvm import relax

from compile.graph.qdq import has_one_scale
from compile.graph.relax_rewriter import call_on
from compile.graph.rule_rewriter import UNARY, Rules
from compile.graph.tensors import constant_of, integers, shape_of
from compile.graph.upsampling import (
    Commutes,
    Enlarged,
    Interleave,
    Masked,
    Resize,
    alike,
    periodic,
    resize_of,
)
from compile.graph.upsampling_rewriter import Result, UpsamplingRewriter, saves_pixels

RULES = Rules()


@RULES.rule("image.resize2d")
def _resize(rewriter: UpsamplingRewriter, call: relax.Call) -> Enlarged | None:
    step = resize_of(call)
    if step is None:
        return None
    value = rewriter.enlarged(call.args[0])
    if value is not None:
        return Enlarged(value.sources, (*value.steps, step))
    return Enlarged((rewriter.plain(call.args[0]),), (step,))


def is_pointwise(call: relax.Call) -> bool:
    """Whether a convolution reads one pixel for each that it writes."""
    attributes = call.attrs
    weight = shape_of(call.args[1])
    return (
        (attributes.data_layout, attributes.kernel_layout) == ("NCHW", "OIHW")
        and weight is not None
        and weight[2:] == [1, 1]
        and set(integers(attributes.strides)) == {1}
        and not any(integers(attributes.padding))
    )


@RULES.rule("nn.conv2d")
def pointwise(rewriter: UpsamplingRewriter, call: relax.Call) -> Result | None:
    """A pointwise convolution: a sum over channels."""
    image, weight = call.args
    if not is_pointwise(call) or rewriter.enlarged(weight) is not None:
        return None
    value = rewriter.enlarged(image)
    if value is None:
        return _split_concatenation(rewriter, call)
    weight = rewriter.plain(weight)
    result = rewriter.on_sources(
        [value],
        lambda source: call_on(call, [source, weight]),
        Commutes.LINEAR,
    )
    rewriter.applied += result is not None and saves_pixels(value, call)
    return result


def _split_concatenation(rewriter: UpsamplingRewriter, call: relax.Call) -> relax.Expr | None:
    """A pointwise convolution of a concatenation, parts of it enlarged, as a sum over the parts.

    What is not enlarged stays one convolution.
    """
    fields = rewriter.concatenations.get(call.args[0])
    weight, shapes = constant_of(call.args[1]), [shape_of(field) for field in fields or []]
    if weight is None or int(call.attrs.groups) != 1:
        return None
    widths = [shape[1] for shape in shapes if shape is not None and len(shape) == 4]
    if len(widths) != len(shapes) or sum(widths) != weight.shape[1]:
        return None

    def convolved(image: relax.Expr, *filters: np.ndarray) -> relax.Expr:
        joined = relax.const(np.concatenate(filters, axis=1))
        return call_on(call, [image, joined])

    rest, columns, moved = [], [], []
    gains = 0
    for field, part in zip(fields or [], np.split(weight, np.cumsum(widths)[:-1], 1), strict=True):
        value = rewriter.enlarged(field)
        if value is None:
            rest.append(rewriter.plain(field))
            columns.append(part)
            continue
        gains += saves_pixels(value, call)
        result = rewriter.on_sources(
            [value], lambda source, part=part: convolved(source, part), Commutes.LINEAR
        )
        assert result is not None  # everything commutes with sums
        moved.append(result)
    if not gains:
        return None
    rewriter.applied += gains
    same = alike(moved) if not rest else None
    if same is not None:
        return functools.reduce(lambda a, b: _sum(rewriter, a, b), same)
    terms = [rewriter.emit_whole(value) for value in moved]
    if rest:
        image = rest[0] if len(rest) == 1 else relax.op.concat(rest, axis=1)
        terms.insert(0, rewriter.builder.emit(convolved(image, *columns)))
    return functools.reduce(lambda a, b: rewriter.builder.emit(relax.op.add(a, b)), terms)


def _sum(rewriter: UpsamplingRewriter, left: Enlarged, right: Enlarged) -> Enlarged:
    result = rewriter.on_sources([left, right], relax.op.add, Commutes.LINEAR)
    assert result is not None
    return result


@RULES.rule(*UNARY)
def _unary(rewriter: UpsamplingRewriter, call: relax.Call) -> Enlarged | None:
    value = rewriter.enlarged(call.args[0])
    if value is None:
        return None
    rest = [rewriter.plain(argument) for argument in call.args[1:]]
    return rewriter.on_sources(
        [value],
        lambda source: call_on(call, [source, *rest]),
        Commutes.POINTWISE,
    )


@RULES.rule("quantize", "dequantize")
def _quantise(rewriter: UpsamplingRewriter, call: relax.Call) -> Enlarged | None:
    return _unary(rewriter, call) if has_one_scale(call) else None


_OF_TWO_IMAGES = {"add": Commutes.LINEAR, "subtract": Commutes.LINEAR}
_OF_IMAGE_AND_FLAT = {
    "add": Commutes.AFFINE,
    "subtract": Commutes.AFFINE,
    "multiply": Commutes.LINEAR,
    "divide": Commutes.LINEAR,
}
_OF_FLAT_AND_IMAGE = {
    "add": Commutes.AFFINE,
    "subtract": Commutes.AFFINE,
    "multiply": Commutes.LINEAR,
}


@RULES.rule("add", "subtract", "multiply", "divide", "power", "maximum", "minimum")
def _binary(rewriter: UpsamplingRewriter, call: relax.Call) -> Enlarged | None:
    name = call.op.name.removeprefix("relax.")
    left, right = (rewriter.enlarged(argument) for argument in call.args)

    def same(*operands: relax.Expr) -> relax.Expr:
        return call_on(call, operands)

    if left is not None and right is not None:
        pair = alike([left, right])
        needs = _OF_TWO_IMAGES.get(name, Commutes.POINTWISE)
        return rewriter.on_sources(pair, same, needs) if pair else None
    value = right if left is None else left
    image, other = call.args if right is None else reversed(call.args)
    if value is None:
        return None
    if not _is_flat(other, len(shape_of(image) or [])):
        return _masked(value, other) if name == "multiply" else None
    flat = rewriter.plain(other)
    if right is None:
        needs = _OF_IMAGE_AND_FLAT.get(name, Commutes.POINTWISE)
        return rewriter.on_sources([value], lambda source: same(source, flat), needs)
    needs = _OF_FLAT_AND_IMAGE.get(name, Commutes.POINTWISE)
    return rewriter.on_sources([value], lambda source: same(flat, source), needs)


def _is_flat(expr: relax.Expr, rank: int) -> bool:
    """Whether an operand holds the same number for every pixel of an image."""
    shape = shape_of(expr)
    if shape is None or len(shape) > rank:
        return False
    return all(extent == 1 for extent in shape[-2:])


def _masked(value: Enlarged, other: relax.Expr) -> Enlarged | None:
    mask = constant_of(other)
    (*before, last) = value.steps
    if mask is None or before or not isinstance(last, Resize) or last.factor is None:
        return None
    if mask.shape[-2:] != last.size:
        return None
    weights = periodic(mask, last.factor)
    if weights is None:
        return None
    rows = tuple(tuple(float(weight) for weight in row) for row in weights)
    return Enlarged(value.sources, (Masked(last, rows, other),))


def _is_of_one(value: Enlarged) -> bool:
    """Whether one source is enlarged; to copy many is no cheaper than to copy the whole."""
    return len(value.sources) == 1


@RULES.rule("concat")
def _concat(rewriter: UpsamplingRewriter, call: relax.Call) -> Enlarged | None:
    shape = shape_of(call)
    if shape is None or not isinstance(call.args[0], relax.Tuple) or call.attrs.axis is None:
        return None
    axis = int(call.attrs.axis) % len(shape)
    found = [rewriter.enlarged(field) for field in call.args[0].fields]
    values = [value for value in found if value is not None]
    if axis >= len(shape) - 2 or len(values) != len(found):
        return None
    same = alike(values)
    if same is None or not _is_of_one(same[0]):
        return None
    return rewriter.on_sources(
        same, lambda *sources: relax.op.concat(list(sources), axis), Commutes.LINEAR
    )


@RULES.rule("split")
def _split(rewriter: UpsamplingRewriter, call: relax.Call) -> list[Enlarged] | None:
    value, shape = rewriter.enlarged(call.args[0]), shape_of(call.args[0])
    if value is None or shape is None or not _is_of_one(value):
        return None
    if int(call.attrs.axis) % len(shape) >= len(shape) - 2:
        return None
    parts = rewriter.on_sources(
        [value],
        lambda source: call_on(call, [source]),
        Commutes.LINEAR,
    )
    if parts is None:
        return None
    (source,) = parts.sources
    return [
        Enlarged((rewriter.builder.emit(relax.TupleGetItem(source, index)),), parts.steps)
        for index in range(len(call.ty.fields))
    ]


@RULES.rule("reshape", "permute_dims")
def _rearrange(rewriter: UpsamplingRewriter, call: relax.Call) -> Enlarged | None:
    """Reshapes and transposes of the axes before height and width, as in a channel shuffle."""
    value = rewriter.enlarged(call.args[0])
    before, after = shape_of(call.args[0]), shape_of(call)
    if value is None or before is None or after is None or before[-2:] != after[-2:]:
        return None
    if not _is_of_one(value):
        return None
    if call.op.name == "relax.reshape":
        return rewriter.on_sources(
            [value],
            lambda source: relax.op.reshape(source, [*after[:-2], *(shape_of(source) or [])[-2:]]),
            Commutes.LINEAR,
        )
    axes = [int(axis) % len(before) for axis in call.attrs.axes or range(len(before))[::-1]]
    if axes[-2:] != [len(before) - 2, len(before) - 1]:
        return None
    return rewriter.on_sources(
        [value], lambda source: relax.op.permute_dims(source, axes), Commutes.LINEAR
    )


@RULES.rule("mean")
def _mean(rewriter: UpsamplingRewriter, call: relax.Call) -> relax.Expr | None:
    """The mean of an image whose every source pixel is copied equally often."""
    value, shape = rewriter.enlarged(call.args[0]), shape_of(call.args[0])
    if value is None or shape is None or call.attrs.axis is None:
        return None
    if {int(axis) % len(shape) for axis in call.attrs.axis} != {len(shape) - 2, len(shape) - 1}:
        return None
    if not all(
        isinstance(step, Interleave) or (isinstance(step, Resize) and step.factor)
        for step in value.steps
    ):
        return None
    total = None
    for source in value.sources:
        mean = rewriter.builder.emit(call_on(call, [source]))
        total = mean if total is None else rewriter.builder.emit(relax.op.add(total, mean))
    if len(value.sources) == 1:
        return total
    share = relax.const(np.array(1 / len(value.sources), str(call.ty.dtype)))
    return rewriter.builder.emit(relax.op.multiply(total, share))
