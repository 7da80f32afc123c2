"""What the demo's page consists of."""

from __future__ import annotations

import re
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest

from android_rpc.demo.start_demo import PAGE

TEXTS = sorted(file for file in PAGE.iterdir() if file.is_file())
LINES = 400


@pytest.mark.parametrize("name", ["magma", "viridis"])
def test_colours_are_matplotlibs(name: str) -> None:
    source = (PAGE / "colour_tables.js").read_text()
    rows = re.findall(
        r'"([0-9a-f]+)"', source.partition(f"const {name.upper()} =")[2].split("]")[0]
    )
    table = np.frombuffer(bytes.fromhex("".join(rows)), np.uint8).reshape(256, 3)
    wanted = mpl.colormaps[name](np.arange(256), bytes=True)[:, :3]
    assert np.abs(table.astype(int) - wanted).max() <= 1


@pytest.mark.parametrize("file", TEXTS, ids=lambda file: file.name)
def test_the_page_asks_nothing_of_others_and_has_no_inline_script(file: Path) -> None:
    text = file.read_text()
    names = set(re.findall(r"""(?:from|src=|href=)\s*["']([^"']+)["']""", text))
    assert all((PAGE / name).is_file() for name in names)
    assert not re.search(r"<script>|\son\w+=|\sstyle=|@import|url\(", text)
    assert len(text.splitlines()) <= LINES
