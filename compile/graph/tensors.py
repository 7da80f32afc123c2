"""What is known of a Relax tensor before it runs: its shape, or its whole value."""

from __future__ import annotations

from typing import Any

import numpy as np
import tvm
from tvm import relax


def shape_of(expr: relax.Expr) -> list[int] | None:
    """The static shape of a tensor expression, None for anything else."""
    kind = expr.ty
    if not isinstance(kind, relax.TensorType) or not isinstance(kind.shape, relax.ShapeExpr):
        return None
    if not all(isinstance(extent, tvm.tirx.IntImm) for extent in kind.shape):
        return None
    return [int(extent) for extent in kind.shape]


def static_shape(expr: relax.Expr) -> list[int]:
    """The shape of a tensor expression that is known to have a static one."""
    shape = shape_of(expr)
    assert shape is not None
    return shape


def constant_of(expr: relax.Expr) -> np.ndarray | None:
    """The value of a tensor constant, None for anything else."""
    if isinstance(expr, tvm.ir.expr.GenericConst):
        return expr.value.numpy()
    return None


def per_channel(expr: relax.Expr, channels: int) -> np.ndarray | None:
    """A constant that is one number, or one for each channel of an NCHW image, as [channels].

    In double precision; None for anything else.
    """
    value = constant_of(expr)
    if value is None or value.ndim > 4 or value.dtype != np.float32:
        return None
    widened = value.reshape((1,) * (4 - value.ndim) + value.shape)
    if widened.shape not in ((1, 1, 1, 1), (1, channels, 1, 1)):
        return None
    return np.broadcast_to(widened.reshape(-1), (channels,)).astype(np.float64)


def is_operator(expr: relax.Expr, *names: str) -> bool:
    """Whether the expression is a call of one of the named Relax operators."""
    if not isinstance(expr, relax.Call) or not isinstance(expr.op, tvm.ir.Op):
        return False
    return expr.op.name.removeprefix("relax.") in names


def integers(values: Any) -> tuple[int, ...]:
    """An attribute's list of numbers."""
    return tuple(int(value) for value in values)
