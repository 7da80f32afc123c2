"""Gradients of depthwise convolutions in bfloat16: those of float32, but for rounding."""

from __future__ import annotations

import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from depthnet.training.steps.depthwise import FastDepthwise


def gradients(
    conv: nn.Conv2d, x: Tensor, *, fast: bool, signs: bool = True
) -> tuple[Tensor, Tensor, Tensor]:
    """Output, gradients of input and weight; without `signs`, of a loss of positive weights."""
    x = x.clone().requires_grad_()
    conv.zero_grad()
    if fast:
        with torch.autocast("cpu", torch.bfloat16), FastDepthwise():
            y = conv(x)
    else:
        y = conv(x)
    weights = torch.linspace(-1.0, 1.0, y.numel()).reshape(y.shape)
    (y.float() * (weights if signs else weights.abs())).sum().backward()
    assert x.grad is not None
    assert conv.weight.grad is not None
    return y.detach(), x.grad, conv.weight.grad


@given(
    channels=st.integers(2, 20),
    kernel=st.sampled_from([1, 3, 5, 7]),
    stride=st.integers(1, 2),
    dilation=st.integers(1, 2),
    bias=st.booleans(),
    seed=st.integers(0, 100),
)
def test_results_and_gradients_are_those_of_float32(
    channels: int, kernel: int, stride: int, dilation: int, bias: bool, seed: int
) -> None:
    torch.manual_seed(seed)
    conv = nn.Conv2d(
        channels, channels, kernel, stride, kernel // 2 * dilation, dilation, channels, bias=bias
    )
    x = torch.randn(2, channels, 9, 11)
    expected, actual = (gradients(conv, x, fast=fast) for fast in (False, True))
    assert actual[0].dtype == torch.bfloat16
    # Factors and results are each rounded by up to 2^-8 of the magnitudes that are summed.
    with torch.no_grad():
        for parameter in conv.parameters():
            parameter.abs_()
    summed = gradients(conv, x.abs(), fast=False, signs=False)
    for ours, theirs, magnitude in zip(actual, expected, summed, strict=True):
        assert bool(((ours.float() - theirs).abs() <= 2**-6 * magnitude + 1e-6).all())


def test_other_convolutions_and_float32_are_left_alone() -> None:
    x = torch.randn(1, 4, 8, 8, requires_grad=True)
    with FastDepthwise():
        plain = nn.Conv2d(4, 4, 5, groups=4, bias=False)(x)
    assert "Convolution" in type(plain.grad_fn).__name__
    with torch.autocast("cpu", torch.bfloat16), FastDepthwise():
        for conv in (
            nn.Conv2d(4, 8, 5),
            nn.Conv2d(4, 4, 3, groups=4),
            nn.Conv2d(4, 4, 5, groups=2),
        ):
            assert "Convolution" in type(conv(x).grad_fn).__name__
        slow = nn.Conv2d(4, 4, 5, groups=4, bias=False)(x)
    assert "Depthwise" in type(slow.grad_fn).__name__
