"""The plan of a chart over a search, as `depthbench sweep` reads it."""

from __future__ import annotations

import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from bench.pruning import chart_plan
from bench.pruning.search import Search

CYCLES = (96.0, 90.0, 70.3, 69.8)
"""Of the steps; the last two are 70 % both."""


def search_in(folder: Path) -> Search:
    made = SimpleNamespace(
        folder=folder,
        state=SimpleNamespace(steps=list(CYCLES)),
        share=lambda number: round(CYCLES[number - 1]),
        weights=lambda number: folder / "steps" / f"{number:02d}" / "net.safetensors",
    )
    return cast(Search, made)


def plan_of(folder: Path, monkeypatch: pytest.MonkeyPatch, data: str) -> dict[str, Any]:
    monkeypatch.setattr(
        chart_plan, "_exported", lambda weights, place, share: place / f"net-{share}.onnx"
    )
    search, result = search_in(folder), folder / "net-70.onnx"
    chart_plan.write_plan(search, "mobiledepth", folder / "first.safetensors", result, data)
    return tomllib.loads((folder / chart_plan.FILE).read_text())


def test_no_two_models_of_the_plan_are_called_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    models = plan_of(tmp_path, monkeypatch, "nyu")["models"]
    assert models == [
        *("mobiledepth", "steps/01/net-96.onnx", "steps/02/net-90.onnx", "net-70.onnx")
    ]


def test_the_plan_s_data_are_those_of_the_search(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    homes = "\N{HOUSE BUILDING} pairs"
    for name in ("nyu", homes):
        (tmp_path / name).mkdir()
    assert plan_of(tmp_path, monkeypatch, "nyu")["score"]["data"] == "nyu"
    assert plan_of(tmp_path, monkeypatch, homes)["score"]["data"] == str(tmp_path / homes)
