"""Ways to make a larger image out of smaller ones, and what they commute with.

Images are NCHW, or have any other leading axes before height and width. An enlargement reads every
place of its result from the same place of the channels and of the batch, so that work on channels
can be done before it, on fewer pixels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import IntEnum
from math import prod
from typing import Protocol

import numpy as np
from tvm import relax

from compile.graph.relax_rewriter import call_on
from compile.graph.tensors import is_operator, shape_of, static_shape


class Commutes(IntEnum):
    """The largest kind of functions of a pixel that can be applied before an enlargement.

    LINEAR: sums of channels with weights. AFFINE: those, and constants added. POINTWISE: any.
    """

    LINEAR = 0
    AFFINE = 1
    POINTWISE = 2


class Enlargement(Protocol):
    """One way to make an image larger."""

    @property
    def commutes(self) -> Commutes:
        """What may be moved in front of it."""

    def apply(self, builder: relax.BlockBuilder, sources: Sequence[relax.Expr]) -> relax.Expr:
        """Emit the larger image."""


@dataclass(frozen=True)
class Resize:
    """relax.image.resize2d to `size`.

    `factor` is set where pixel (y, x) of the result is pixel (y // factor, x // factor) of the
    source, rounded down. `key` tells apart resizes that read other pixels.
    """

    size: tuple[int, int]
    nearest: bool
    factor: tuple[int, int] | None
    key: tuple[str, ...]
    call: relax.Call = field(compare=False)

    @property
    def commutes(self) -> Commutes:
        """Nearest pixels are copies; bilinear weights sum to one."""
        return Commutes.POINTWISE if self.nearest else Commutes.AFFINE

    def apply(self, builder: relax.BlockBuilder, sources: Sequence[relax.Expr]) -> relax.Expr:
        """Emit the resize of the only source."""
        *leading, height, width = static_shape(sources[0])
        source = _reshaped(builder, sources[0], [*_batch_and_channels(leading), height, width])
        call = self.call
        larger = call_on(call, [source, *call.args[1:]])
        return _reshaped(builder, builder.emit(larger), [*leading, *self.size])


@dataclass(frozen=True)
class Interleave:
    """Pixel (y, x) is pixel (y // fy, x // fx) of source number (y % fy) * fx + x % fx."""

    factor: tuple[int, int]
    commutes: Commutes = Commutes.POINTWISE

    def apply(self, builder: relax.BlockBuilder, sources: Sequence[relax.Expr]) -> relax.Expr:
        """Emit the interleaved image: one copy."""
        *leading, height, width = static_shape(sources[0])
        down, right = self.factor
        batch, channels = _batch_and_channels(leading)
        flat = [_reshaped(builder, one, [batch, channels, height, width]) for one in sources]
        stacked = builder.emit(relax.op.concat(flat, axis=1))
        phases = [batch, down, right, channels, height, width]
        woven = relax.op.permute_dims(relax.op.reshape(stacked, phases), [0, 3, 4, 1, 5, 2])
        size = [height * down, width * right]
        larger = builder.emit(relax.op.reshape(woven, [batch, channels, *size]))
        return _reshaped(builder, larger, [*leading, *size])


@dataclass(frozen=True)
class Masked:
    """A nearest resize times a weight for each of the places a pixel is copied to.

    `weights` are [factor][factor]: 1 once and 0 elsewhere is an unpooling that spreads pixels out
    among zeros. `mask` is the constant image of them.
    """

    resize: Resize
    weights: tuple[tuple[float, ...], ...]
    mask: relax.Expr = field(compare=False)
    commutes: Commutes = Commutes.LINEAR

    @property
    def factor(self) -> tuple[int, int] | None:
        """The resize's."""
        return self.resize.factor

    def apply(self, builder: relax.BlockBuilder, sources: Sequence[relax.Expr]) -> relax.Expr:
        """Emit the resize and the product."""
        return builder.emit(relax.op.multiply(self.resize.apply(builder, sources), self.mask))


@dataclass(frozen=True)
class Enlarged:
    """What `steps`, one after the other, make of `sources`. The first takes all of them."""

    sources: tuple[relax.Expr, ...]
    steps: tuple[Enlargement, ...]

    @property
    def commutes(self) -> Commutes:
        """What commutes with every step."""
        return min(step.commutes for step in self.steps)

    def apply(self, builder: relax.BlockBuilder) -> relax.Expr:
        """Emit the image."""
        sources = self.sources
        for step in self.steps:
            sources = (step.apply(builder, sources),)
        return sources[0]


def resize_of(call: relax.Call) -> Resize | None:
    """The enlargement that a call of resize2d is.

    None where it does not make its image larger, or where it reads a border or fits cubics.
    """
    if not is_operator(call, "image.resize2d") or call.attrs.layout != "NCHW":
        return None
    before, after = shape_of(call.args[0]), shape_of(call)
    attributes = call.attrs
    mode = str(attributes.coordinate_transformation_mode)
    if before is None or after is None or mode == "tf_crop_and_resize":
        return None
    if attributes.method not in ("nearest_neighbor", "linear") or not _is_larger(before, after):
        return None
    if attributes.method == "linear" and not str(call.ty.dtype).startswith("float"):
        return None
    nearest, rounding = attributes.method == "nearest_neighbor", str(attributes.rounding_method)
    factor = _whole_factor(before, after, mode, rounding) if nearest else None
    key = ("blocks",) if factor else (str(attributes.method), mode, rounding)
    height, width = after[2:]
    return Resize((height, width), nearest, factor, key, call)


def periodic(mask: np.ndarray, factor: tuple[int, int]) -> np.ndarray | None:
    """The [fy, fx] numbers that an image (..., H, W) repeats; None where it does not."""
    down, right = factor
    if mask.ndim < 2 or prod(mask.shape[:-2]) != 1:
        return None
    image = mask.reshape(-1, mask.shape[-1])
    height, width = image.shape
    if height % down or width % right:
        return None
    tile = image[:down, :right]
    repeated = np.tile(tile, (height // down, width // right))
    return tile if np.array_equal(repeated, image) else None


def alike(values: Sequence[Enlarged]) -> list[Enlarged] | None:
    """The same images, all by the same steps from as many sources; None where there is no way.

    Copying each pixel to a block is interleaving an image with itself.
    """
    count = max(len(value.sources) for value in values)
    woven = next(value for value in values if len(value.sources) == count)
    result = [_as_woven(value, woven) for value in values]
    first = shape_of(woven.sources[0])
    for value in result:
        shape = shape_of(value.sources[0])
        if value.steps != woven.steps or shape is None or first is None:
            return None
        if len(shape) != len(first) or shape[-2:] != first[-2:]:
            return None
    return result


def _as_woven(value: Enlarged, woven: Enlarged) -> Enlarged:
    own, other = value.steps[0], woven.steps[0]
    if isinstance(own, Resize) and isinstance(other, Interleave) and own.factor == other.factor:
        return Enlarged(value.sources * len(woven.sources), (other, *value.steps[1:]))
    return value


def _is_larger(before: Sequence[int], after: Sequence[int]) -> bool:
    return prod(after) > prod(before) and all(
        a >= b for a, b in zip(after[2:], before[2:], strict=True)
    )


def _whole_factor(
    before: Sequence[int], after: Sequence[int], mode: str, rounding: str
) -> tuple[int, int] | None:
    if any(a % b for a, b in zip(after[2:], before[2:], strict=True)):
        return None
    # Half-pixel centres lie less than half a pixel from the source pixel: any rounding to the
    # nearest will do. Asymmetric ones lie up to a pixel behind it.
    near = mode in ("half_pixel", "pytorch_half_pixel") and rounding.startswith("round")
    if not near and (mode, rounding) != ("asymmetric", "floor"):
        return None
    return after[2] // before[2], after[3] // before[3]


def _batch_and_channels(leading: list[int]) -> tuple[int, int]:
    """Two axes for those before height and width; images keep theirs."""
    return (leading[0], leading[1]) if len(leading) == 2 else (1, prod(leading))


def _reshaped(builder: relax.BlockBuilder, expr: relax.Expr, shape: list[int]) -> relax.Expr:
    return expr if static_shape(expr) == shape else builder.emit(relax.op.reshape(expr, shape))
