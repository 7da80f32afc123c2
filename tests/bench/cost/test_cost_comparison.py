"""One model on several runtimes, of which the costs are made up and the outputs real."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from bench.cost import cost_rows, peer_cost
from bench.cost.cost_comparison import compare_costs
from bench.cost.inference_cost import Cost
from bench.models import Model, load_model
from bench.peers.device_comparison import compare_on_device
from bench.peers.peer import Setting
from depthbench.errors import CheckFailed, InputError, ToolMissing

CYCLES = {"onnxruntime": 40.0, "ncnn": 30.0, "ncnn-fp16": 10.0, "mnn": 20.0, "mnn-fp16": 16.0}
IMAGE = np.zeros((1, 3, 4, 6), np.float32)


@pytest.fixture
def counting(monkeypatch: pytest.MonkeyPatch, closed_form: Callable[..., NDArray]) -> Any:
    """Peers that compute the closed form, but for a factor of their own; LiteRT is missing."""
    factors: dict[str, float] = {}

    def measure_peer(
        setting: Setting, model: Any, inputs: Mapping[str, NDArray], *_: Any
    ) -> tuple[Cost, NDArray]:
        output = closed_form(inputs["image"]) * factors.get(setting.name, 1.0)
        cycles = CYCLES[setting.name]
        return Cost(2 * cycles, cycles, (2, 2), 1.0, ()), output[0]  # ncnn's have no batch

    def converted(peer: str, model: Model, *_: Any) -> Path:
        if peer == "litert":
            raise ToolMissing("LiteRT's converter is not installed", advice="install it")
        if peer == "mnn" and model.name == "refused":
            raise InputError("MNN cannot convert refused")
        return model.path

    monkeypatch.setattr(cost_rows, "measure_peer", measure_peer)
    monkeypatch.setattr(cost_rows, "converted", converted)
    return factors


def test_a_row_each_with_ratios_and_the_reason_of_who_is_absent(
    counting: dict[str, float], tiny_onnx: Path, tmp_path: Path
) -> None:
    counting["ncnn-fp16"] = 1.001
    found = compare_costs(str(tiny_onnx), tmp_path, runtimes="onnxruntime,ncnn,litert")
    rows = found["runtimes"]
    assert list(rows) == ["onnxruntime", "ncnn", "ncnn-fp16"]
    assert rows["onnxruntime"]["against"]["ncnn-fp16"] == {"est_cycles": 4.0, "instructions": 4.0}
    assert [rows[name]["precision"] for name in rows] == ["fp32", "fp32", "fp16"]
    assert rows["ncnn-fp16"]["agreement"]["max_relative_difference"] == pytest.approx(1e-3, rel=0.1)
    assert [rows[name]["agreement"]["tolerance"] for name in rows] == [1e-4, 1e-4, 1e-2]
    assert found["absent"] == {"litert": "LiteRT's converter is not installed"}
    assert found["label"] == "emulated cost, not latency"
    assert (found["threads"], found["device"]["emulated"]) == (1, True)
    assert all(row["version"] and row["threads"] == 1 for row in rows.values())


def test_a_best_setting_that_computes_something_else_is_left_out_and_the_model_s_is_an_error(
    counting: dict[str, float], tiny_onnx: Path, tmp_path: Path
) -> None:
    counting["mnn-fp16"] = 1.5
    found = compare_costs(str(tiny_onnx), tmp_path, runtimes="onnxruntime,mnn")
    assert list(found["runtimes"]) == ["onnxruntime", "mnn"]
    assert found["left_out"] == {"mnn-fp16": "outputs differ from onnxruntime's: mnn-fp16 by 0.5"}
    counting["mnn"] = 1.5
    with pytest.raises(CheckFailed, match=r"differ from onnxruntime's: mnn by 0\.5"):
        compare_costs(str(tiny_onnx), tmp_path, runtimes="onnxruntime,mnn")


def test_who_cannot_run_the_model_is_told_before_any_is_counted(
    counting: dict[str, float],
    tiny_onnx: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    counted: list[Setting] = []
    monkeypatch.setattr(cost_rows, "measure_peer", lambda given, *_: counted.append(given))
    model = tiny_onnx.rename(tmp_path / "refused.onnx")
    with pytest.raises(InputError, match="MNN cannot convert refused"):
        compare_costs(str(model), tmp_path, runtimes="onnxruntime,mnn")
    assert counted == []


def test_a_clock_s_options_are_refused_where_instructions_are_counted(tmp_path: Path) -> None:
    settings: list[dict[str, Any]] = [{"rounds": 9}, {"threads": 2}]
    for options in settings:
        with pytest.raises(InputError, match="one inference is counted, on one thread"):
            compare_on_device("mobiledepth", tmp_path, "emulated", **options)


def test_a_precision_that_a_peer_is_not_measured_in_is_refused(tiny_onnx: Path) -> None:
    with pytest.raises(InputError, match="onnxruntime is measured in fp32, int8, not fp16"):
        peer_cost.measure_peer(
            Setting("onnxruntime", "fp16"), load_model(tiny_onnx), {"image": IMAGE}
        )


def test_a_model_of_two_inputs_is_refused(tiny_onnx: Path) -> None:
    with pytest.raises(InputError, match="one input"):
        peer_cost.measure_peer(
            Setting("ncnn", "fp32"), load_model(tiny_onnx), {"a": IMAGE, "b": IMAGE}
        )
