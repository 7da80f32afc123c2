"""`depthbench train`: a plan's records on stdout, and what cannot be trained in one line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from configparser import ConfigParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

PATHS = {"PYTHONPATH": str(Path(__file__).parents[3])}

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


def test_a_rehearsal_takes_a_few_small_pictures(run: Run, tmp_path: Path, pairs: None) -> None:
    plan = PLAN.replace("epochs = 1", "epochs = 10_000").replace("[32, 32]", "[448, 448]")
    (tmp_path / "long.toml").write_text(plan)
    code, out, _ = run("train", "--plan", "long.toml", "--rehearse", "--threads", 1, "--json")
    assert code == 0
    (record,) = json.loads(out)
    assert record["weights"].startswith("out/rehearsal/")
    assert (record["epochs"], record["recipe"]["input_size"]) == (1, [64, 64])
    code, _, err = run("train", "--rehearse")
    assert code == 2
    assert "only plans are rehearsed" in err


BARE = """
import sys

sys.modules.update(dict.fromkeys({lacking}))
from bench.cli import main
main(["train", "--plan", "small.toml", "--rehearse", "--threads", "1", "--json"])
"""


def test_training_needs_nothing_that_a_machine_with_pytorch_and_timm_lacks(
    tmp_path: Path, pairs: None
) -> None:
    (tmp_path / "small.toml").write_text(PLAN)
    wanted = ConfigParser()
    wanted.read(Path(__file__).parents[3] / "setup.cfg")
    listed = wanted["options"]["install_requires"].split("\n")
    named = {re.split(r"[ <>=]", line)[0] for line in listed} - {""}
    present = {"torch", "timm", "huggingface-hub", "numpy", "pillow", "safetensors", "click"}
    present |= {"rich", "psutil", "filelock", "lazy-loader", "h5py", "scipy"}
    lacking = {name.replace("-", "_") for name in named - present} | {"tvm", "tvm_ffi"}
    assert {"pydantic", "platformdirs", "onnx"} <= lacking
    result = subprocess.run(
        [sys.executable, "-c", BARE.format(lacking=lacking)],
        capture_output=True, text=True, cwd=tmp_path, check=False, env={**os.environ, **PATHS},
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    assert json.loads(result.stdout)[0]["epochs"] == 1


def test_a_plan_that_is_missing_is_said(run: Run) -> None:
    code, out, err = run("train", "--plan", "none.toml")
    assert (code, out) == (2, "")
    assert "none.toml: no such file" in err


def test_pictures_without_depth_need_a_teacher(run: Run, tmp_path: Path) -> None:
    code, _, err = run("train", "mobilenet_v2_cat", "--unlabelled", tmp_path)
    assert code == 2
    assert "unlabelled pictures teach nothing without a teacher" in err
