"""A number of things is in words that fit it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from depthbench.plural import counted

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("android_rpc", "bench", "compile", "depthbench", "depthnet")
BOTH_AT_ONCE = re.compile(r"[ }][a-z]+\(s\)|'s' \* \(|\"s\" if|'s' if|'' if \w+ == 1 else 's'")


@pytest.mark.parametrize(
    ("number", "words"), [(0, "0 cells"), (1, "1 cell"), (2, "2 cells"), (1000, "1000 cells")]
)
def test_one_is_alone(number: int, words: str) -> None:
    assert counted(number, "cell") == words


def test_a_noun_may_take_more_than_an_s() -> None:
    assert counted(1, "entry", "entries") == "1 entry"
    assert counted(2, "entry", "entries") == "2 entries"


def test_nobody_else_makes_plurals() -> None:
    files = [
        file
        for name in PACKAGES
        for ending in ("py", "j2")
        for file in sorted((ROOT / name).rglob(f"*.{ending}"))
    ]
    assert len(files) > 200
    assert not [str(file) for file in files if BOTH_AT_ONCE.search(file.read_text())]
