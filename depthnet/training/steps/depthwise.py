"""Depthwise convolutions that learn in bfloat16 without oneDNN's slow gradients."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn import functional
from torch.nn.modules.utils import _pair
from torch.overrides import TorchFunctionMode


class FastDepthwise(TorchFunctionMode):
    """Within it, depthwise convolutions under CPU autocast get their gradients in float32.

    In bfloat16 oneDNN takes 4 to 10 times as long for them (5x5, or stride 2), longer than for
    all the rest of a MobileNet's step. What they compute forward is as autocast has it.
    """

    def __torch_function__(
        self,
        function: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        if function is functional.conv2d and torch.is_autocast_enabled("cpu"):
            return _conv2d(*args, **(kwargs or {}))
        return function(*args, **(kwargs or {}))


def _conv2d(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> Tensor:
    depthwise = groups == weight.shape[0] > 1 and weight.shape[1] == 1
    size = (*weight.shape[2:], *_pair(stride))
    if not depthwise or bias is not None or size == (3, 3, 1, 1):
        return functional.conv2d(input, weight, bias, stride, padding, dilation, groups)
    geometry = (_pair(stride), _pair(padding), _pair(dilation), groups)
    result: Tensor = _Depthwise.apply(input.bfloat16(), weight.bfloat16(), geometry)
    return result


class _Depthwise(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, geometry: tuple[Any, ...]) -> Tensor:
        ctx.save_for_backward(x, weight)
        ctx.geometry = geometry
        return functional.conv2d(x, weight, None, *geometry)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: Tensor) -> tuple[Tensor, Tensor, None]:
        x, weight = ctx.saved_tensors
        stride, padding, dilation, groups = ctx.geometry
        of_x, of_weight, _ = torch.ops.aten.convolution_backward(
            gradient.float(), x.float(), weight.float(), None,
            stride, padding, dilation, False, (0, 0), groups, (True, True, False),
        )  # fmt: skip
        return of_x.bfloat16(), of_weight.bfloat16(), None
