"""`depthbench train`: a plan's records on stdout, and what cannot be trained in one line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

Run = Callable[..., tuple[int, str, str]]

PLAN = """
network = "mobilenet_v2_cat"

[[stage]]
name = "truth"
data = ["pairs"]
held_out = 0.25

[stage.recipe]
base = "paper"
epochs = 1
batch = 2
input_size = [32, 32]
"""


@pytest.fixture
def pairs(tmp_path: Path) -> None:
    """A folder of four pairs, laid out as NYU's labelled ones."""
    folder = tmp_path / "pairs"
    lines = ["index0,split,scene_type"]
    for number in range(4):
        for kind, suffix, shape in (("rgb", "jpg", (32, 32, 3)), ("depth8", "png", (32, 32))):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            values = np.full(shape, 40 + 50 * number, dtype=np.uint8)
            Image.fromarray(values).save(folder / kind / f"{number:05d}.{suffix}")
        lines.append(f"{number},train,")
    (folder / "split.csv").write_text("\n".join(lines) + "\n")


def test_a_plan_gives_weights_and_their_record(run: Run, tmp_path: Path, pairs: None) -> None:
    (tmp_path / "small.toml").write_text(PLAN)
    code, out, _ = run("train", "--plan", "small.toml", "--out", "out", "--json", "--threads", 1)
    assert code == 0
    (record,) = json.loads(out)
    assert Path(record["weights"]) == Path("out/small/1-truth/mobilenet_v2_cat.safetensors")
    assert Path(record["weights"]).is_file()
    assert (record["steps"], record["trained_from"]) == (1, {"kind": "random", "seed": 0})
    code, out, _ = run("train", "--plan", "small.toml", "--out", "out", "--threads", 1)
    assert code == 0
    assert "random, seed 0" in out


def test_a_plan_that_is_missing_is_said(run: Run) -> None:
    code, out, err = run("train", "--plan", "none.toml")
    assert (code, out) == (2, "")
    assert "none.toml: no such file" in err


def test_pictures_without_depth_need_a_teacher(run: Run, tmp_path: Path) -> None:
    code, _, err = run("train", "mobilenet_v2_cat", "--unlabelled", tmp_path)
    assert code == 2
    assert "unlabelled pictures teach nothing without a teacher" in err
