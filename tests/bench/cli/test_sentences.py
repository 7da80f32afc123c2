"""What people read of a result: sentences and tables, no Python values."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from depthnet import paper, zoo

Run = Callable[..., tuple[int, str, str]]
MakeModel = Callable[..., Path]
QUANTISED = ("--data", "rooms", "--images", "1")
REPR = ("{", "}", "['", "None", "True", "False")


def assert_readable(text: str) -> None:
    assert text.strip()
    assert not [mark for mark in REPR if mark in text], text


def test_models_shows_printed_figures_and_which_are_trained(run: Run) -> None:
    code, out, err = run("models")
    assert (code, err) == (0, "")
    assert_readable(out)
    (flagship,) = [line for line in out.splitlines() if line.startswith("mobiledepth ")]
    printed = paper.printed("IX", "SplitShuffle (E)")
    assert {f"({printed['weights_m']})", printed["rmse"], printed["cpu_ms"]} <= {*flagship.split()}
    assert flagship.endswith("yes")
    listed = [line.split()[0] for line in out.splitlines() if line]
    assert set(zoo.names()) < set(listed)


@pytest.mark.parametrize("name", ["mobiledepth", "mobilenet_v1", "eigen", "fastdepth_pruned"])
def test_complexity_is_sentences_and_a_table(run: Run, name: str) -> None:
    code, out, err = run("complexity", name)
    assert (code, err) == (0, "")
    assert out.startswith(f"{name}: ")
    assert_readable(out)


def test_the_flagship_beside_what_is_printed(run: Run) -> None:
    _, out, _ = run("complexity")
    (weights,) = [line for line in out.splitlines() if line.startswith("parameters [M]")]
    assert weights.split()[2:] == ["5.822", "6.431", "6.43"]
    assert "table IX, SplitShuffle (E)" in out


def test_eval_gives_units_and_where_it_recorded(run: Run, depth_model: Path) -> None:
    code, out, _ = run("eval", depth_model, "--data", "rooms", "--limit", "1")
    assert code == 0
    assert_readable(out)
    lines = dict(line.split(maxsplit=1) for line in out.splitlines())
    assert lines["RMSE"].endswith(" m")
    assert float(lines["δ1"]) <= 1
    assert out.endswith("recorded in  out/records.jsonl\n")


def test_compile_says_what_was_made_and_what_to_do_next(run: Run, depth_model: Path) -> None:
    code, out, _ = run("compile", depth_model, "--target", "arm64-a76")
    assert code == 0
    assert_readable(out)
    assert out.startswith("tiny for arm64-a76 (cortex-a76), fp32, 1 thread: out/tiny-arm64-a76")
    assert "image, 1x3x32x32 float32" in out
    assert "compiled  with Apache TVM" in out
    assert out.endswith("Next: depthbench rpc-measure out/tiny-arm64-a76\n")
    _, again, _ = run("compile", depth_model, "--target", "arm64-a76")
    assert "compiled  before" in again


def test_quantise_says_what_was_made_of_what(run: Run, make_depth_model: MakeModel) -> None:
    code, out, err = run("quantise", make_depth_model(32, 32, convolutions=3), *QUANTISED)
    assert code == 0, err
    assert_readable(out)
    assert "tiny.onnx, calibrated on 1 image of rooms" in out


def test_export_says_what_was_written(run: Run) -> None:
    code, out, err = run("export", "mobilenet_v1", "--size", "64", "96")
    assert code == 0, err
    assert_readable(out)
    assert "image, 1x3x64x96, RGB in [0, 1]" in out
    assert "untrained (" in out
