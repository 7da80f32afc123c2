"""Multiplications with an addition, as the architecture's manual counts lanes."""

from __future__ import annotations

import pytest

from bench.cost.estimating.arm64_words import macs


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("fmla v0.4s, v1.4s, v2.4s", 4),
        ("fmla v31.4s, v1.4s, v2.s[3]", 4),
        ("fmla v0.2s, v1.2s, v2.s[0]", 2),
        ("fmla v0.8h, v1.8h, v2.h[7]", 8),
        ("fmls v0.2d, v1.2d, v2.2d", 2),
        ("fmadd s0, s1, s2, s3", 1),
        ("fmla s0, s1, v2.s[1]", 1),
        ("sdot v0.4s, v1.16b, v2.16b", 16),
        ("sdot v0.2s, v1.8b, v2.4b[0]", 8),
        ("fmul v0.4s, v1.4s, v2.4s", 0),
        ("fadd v0.4s, v1.4s, v2.4s", 0),
        ("ldr q0, [x1], #16", 0),
        ("ret", 0),
        ("", 0),
    ],
)
def test_lanes_times_products(text: str, expected: int) -> None:
    assert macs(text) == expected
