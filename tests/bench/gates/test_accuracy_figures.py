"""Weights are told by the parts of a network that they are in, and what moved by its images."""

from __future__ import annotations

from typing import Any

import pytest

from bench.gates.accuracy_figures import MOST_GROUPS, accuracy_figures, layer_groups
from bench.gates.accuracy_gate import METRIC_TOLERANCES, compare
from bench.gates.fingerprint import IMAGE_STAGES


@pytest.mark.parametrize(
    ("names", "groups"),
    [
        (["net.encoder.a.w", "net.encoder.b.w", "net.decoder.w"], {"net.encoder", "net.decoder"}),
        (["/encoder/conv/w", "encoder.b", "/decoder/w"], {"encoder", "decoder"}),
        (["encoder.w", "onnx::Conv_1"], {"encoder", ""}),
        (["onnx::Conv_1", "onnx::Conv_2"], {""}),
        ([f"part{i}.w" for i in range(MOST_GROUPS + 1)], {""}),
        ([], {""}),
    ],
)
def test_weights_are_grouped_by_the_outermost_parts(names: list[str], groups: set[str]) -> None:
    found = layer_groups(names)
    assert found.keys() == groups
    assert sorted(name for group in found.values() for name in group) == sorted(names)


def snapshot(**changes: Any) -> dict[str, Any]:
    images = {name: {stage: [1.0] for stage in IMAGE_STAGES} for name in ("a", "b")}
    images["b"] |= changes.pop("b", {})
    tensors = {"encoder.w": [1.0, 1.0, 4], "decoder.w": [changes.pop("decoder", 1.0), 1.0, 4]}
    scored = {"means": {**dict.fromkeys(METRIC_TOLERANCES, 0.5), **changes}, "images": images}
    weights = {"origin": None, "sha256": "", "tensors": tensors}
    return {"net": {"weights": weights, "data": {"rooms": {"eigen": scored}}}}


@pytest.mark.parametrize(
    ("changes", "failed"),
    [
        ({}, set()),
        ({"decoder": 1.5}, {"weights of decoder"}),
        ({"b": {"prediction": [1.1]}}, {"prediction"}),
        ({"rmse": 0.6, "delta1": 0.6}, {"rmse"}),
        ({"rmse": 0.4, "delta1": 0.4}, {"delta1"}),
    ],
)
def test_what_failed_is_what_moved(changes: dict[str, Any], failed: set[str]) -> None:
    was, now = snapshot(), snapshot(**changes)
    figures = accuracy_figures(was, now, compare(was, now), "net.onnx first differs in x")
    assert {figure.name for figure in figures if figure.failed} == failed
    assert {figure.where for figure in figures if figure.failed} <= {"net.onnx first differs in x"}
    assert len(figures) == 2 + len(IMAGE_STAGES) + len(METRIC_TOLERANCES)
    for figure in figures:
        if figure.now is not None and figure.was is not None:
            assert figure.change == pytest.approx(figure.now - figure.was)


def test_networks_and_data_on_one_side_are_told() -> None:
    was, now = snapshot(), snapshot()
    was["gone"], now["new"] = was["net"], now["net"]
    now["net"]["data"]["nyu"] = now["net"]["data"]["rooms"]
    figures = accuracy_figures(was, now, compare(was, now))
    told = {(one.subject, one.name, one.verdict) for one in figures if one.verdict != "good"}
    assert told == {
        ("gone", "network is gone", "FAILED"),
        ("new", "network is new", "FAILED"),
        ("net", "nyu", "not judged"),
    }
