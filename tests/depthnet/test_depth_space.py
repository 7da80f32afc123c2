"""Depth spaces: closed forms of the paper's section IV-C, and encode and decode as inverses."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from depthnet.depth_space import DepthSpace, decode, encode

SPACES: tuple[DepthSpace, ...] = ("normal", "inverse", "log")


@pytest.mark.parametrize(
    ("space", "at_2m", "at_0"),
    [("normal", 0.2, 0.01), ("inverse", 5.0, 100.0), ("log", math.log(0.2), math.log(0.01))],
)
def test_encoding_has_its_closed_form(space: DepthSpace, at_2m: float, at_0: float) -> None:
    assert encode(torch.tensor([2.0, 0.0]), space).tolist() == pytest.approx([at_2m, at_0])


@given(st.floats(0.1, 10), st.sampled_from(SPACES))
def test_decoding_undoes_encoding(depth: float, space: DepthSpace) -> None:
    assert decode(encode(torch.tensor(depth), space), space).item() == pytest.approx(depth, 1e-5)


@given(st.floats(-1e6, 1e6), st.sampled_from(SPACES))
def test_any_prediction_decodes_into_the_range(prediction: float, space: DepthSpace) -> None:
    assert 0.1 - 1e-6 <= decode(torch.tensor(prediction), space).item() <= 10.0
