"""What a step of a sum multiplies: two floats, or four bytes by four bytes at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from tvm import relax, te, tirx

from compile.operators.bytes import byte_dot_products


class Sums(Protocol):
    """How products are formed, summed and written; contractions and windows are built from it.

    A step reads `width` neighbouring inputs; `border` is what lies around an image.
    """

    @property
    def width(self) -> int:
        """Inputs that one step reads."""

    @property
    def border(self) -> int:
        """The number that stands for zero in the first operand."""

    @property
    def facts(self) -> dict[str, str]:
        """What a schedule's choices depend on, by name; nothing for floats."""

    def operands(self, channels: int) -> list[tirx.Expr]:
        """What `result` reads, as Relax expressions, for output channels padded to so many."""

    def pack(self, weight: np.ndarray) -> np.ndarray:
        """Weights [.., inputs, outputs] as elements [.., steps, outputs]."""

    def read(self, load: Callable[[int], tirx.Expr]) -> tirx.Expr:
        """One step of the first operand, from loads of its inputs."""

    def product(self, left: tirx.Expr, right: tirx.Expr) -> tirx.Expr:
        """What one step adds to the sum."""

    def result(
        self, total: tirx.Expr, index: Sequence[tirx.Expr], *operands: te.Tensor
    ) -> tirx.Expr:
        """What is written of a finished sum, at an index of the output."""


@dataclass(frozen=True)
class FloatSums:
    """Products of floats, in the type of the operands, or `wide`: in float32, of float16 inputs."""

    width: int = 1
    border: int = 0
    wide: bool = False

    @property
    def facts(self) -> dict[str, str]:
        return {"reads": "float16"} if self.wide else {}

    def operands(self, channels: int) -> list[tirx.Expr]:
        return []

    def pack(self, weight: np.ndarray) -> np.ndarray:
        return weight

    def read(self, load: Callable[[int], tirx.Expr]) -> tirx.Expr:
        return load(0).astype("float32") if self.wide else load(0)

    def product(self, left: tirx.Expr, right: tirx.Expr) -> tirx.Expr:
        return left * right

    def result(
        self, total: tirx.Expr, index: Sequence[tirx.Expr], *operands: te.Tensor
    ) -> tirx.Expr:
        return total


FLOATS = FloatSums()
WIDE_SUMS = FloatSums(wide=True)


@dataclass(frozen=True)
class ByteProducts:
    """Products of bytes, four a step: the first operand is `dtype`, the second int8 around zero."""

    dtype: str
    zero_point: int

    @property
    def width(self) -> int:
        return byte_dot_products.QUAD_BYTES

    @property
    def border(self) -> int:
        return self.zero_point

    @property
    def facts(self) -> dict[str, str]:
        return {"bytes": self.dtype}

    def pack(self, weight: np.ndarray) -> np.ndarray:
        *window, inputs, outputs = weight.shape
        whole = -(-inputs // self.width) * self.width
        wide = np.zeros((*window, whole, outputs), np.int8)
        wide[..., :inputs, :] = weight
        return byte_dot_products.weight_quads(wide)

    def read(self, load: Callable[[int], tirx.Expr]) -> tirx.Expr:
        return byte_dot_products.quad([load(byte) for byte in range(self.width)])

    def product(self, left: tirx.Expr, right: tirx.Expr) -> tirx.Expr:
        return byte_dot_products.dot(left, right, self.dtype)


@dataclass(frozen=True)
class Addend:
    """An image that is added to a sum, times `factor`.

    Its bytes are read as the bits of floats that are `too_large`, unless that is zero.
    """

    image: relax.Expr
    factor: float
    too_large: float = 0.0


@dataclass(frozen=True)
class ByteSums(ByteProducts):
    """Products of bytes, exact in int32, and what becomes of a finished sum.

    The byte `zero_point` of the first operand stands for zero. A sum starts at `start` and is
    multiplied by `scale`, both by output channel; `addends` are added. The result is not below zero
    with `relu`. It is float32, or rounded to bytes of type `out`, of which `out_zero` stands for
    zero; `near` says that it is at most `byte_dot_products.NEAR`. With `offset`, by output channel,
    a sum's bits are those of a float that is too large, and `offset` takes that off its multiple
    (`bytes/sum_scaling.py`), with what addends are too large by: a conversion takes NEON as long as
    eight products. With `rounds` as well, `offset` has the result rounded to a whole number in the
    bits of `byte_dot_products.rounder`.
    """

    start: np.ndarray
    scale: np.ndarray
    addends: tuple[Addend, ...] = ()
    relu: bool = False
    out: str = ""
    out_zero: int = 0
    near: bool = False
    offset: np.ndarray | None = None
    rounds: bool = False

    def operands(self, channels: int) -> list[tirx.Expr]:
        tables = [self.start, self.scale, *([] if self.offset is None else [self.offset])]
        wide = [np.pad(one, (0, channels - one.size)) for one in tables]
        return [*map(relax.const, wide), *(one.image for one in self.addends)]

    def result(
        self, total: tirx.Expr, index: Sequence[tirx.Expr], *operands: te.Tensor
    ) -> tirx.Expr:
        start, scale, *images = operands
        whole = total + start[index[-1]]
        if self.offset is None:
            value = whole.astype("float32") * scale[index[-1]]
        else:
            offset, *images = images
            bits = tirx.reinterpret("float32", whole)
            value = tirx.call_intrin(
                "float32", "tirx.fma", bits, scale[index[-1]], offset[index[-1]]
            )
        if self.rounds:
            return byte_dot_products.rounded(value, self.out, self.out_zero)
        for image, addend in zip(images, self.addends, strict=True):
            factor, one = tirx.const(addend.factor, "float32"), image[index]
            if addend.too_large:
                bits = byte_dot_products.in_float(one)
                value = tirx.call_intrin("float32", "tirx.fma", bits, factor, value)
            else:
                value += one.astype("float32") * factor
        if self.relu:
            value = te.max(value, tirx.const(0, "float32"))
        if not self.out:
            return value
        return byte_dot_products.saturated(value, self.out, self.out_zero, near=self.near)
