"""What cachegrind writes, as counts."""

from __future__ import annotations

import pytest

from bench.cost.caches import EVENTS, parse_summary
from depthbench.errors import CheckFailed

FILE = """\
desc: I1 cache:         65536 B, 64 B, 4-way associative
cmd: model.so
events: Ir I1mr ILmr Dr D1mr DLmr Dw D1mw DLmw
fl=???
fn=kernel:0
0 9 1 1 5 1 1 4 1 1
summary: 100 1 2 50 3 4 25 5 6
"""


def test_the_summary_is_read_by_event() -> None:
    assert parse_summary(FILE) == dict(zip(EVENTS, (100, 1, 2, 50, 3, 4, 25, 5, 6), strict=True))


@pytest.mark.parametrize(
    "text", ["", "nonsense", FILE.replace("DLmw", "XX"), FILE.replace(" 25 5 6", "")]
)
def test_anything_else_is_an_error(text: str) -> None:
    with pytest.raises(CheckFailed, match="no summary"):
        parse_summary(text)
