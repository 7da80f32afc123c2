"""Profiles: from the times of calls to operators, and what these reached."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from bench.profiling.host_profile import profile_here
from bench.profiling.kernel_profile import profile_of
from bench.profiling.measured_peak import Peak, peak_here
from bench.report.charts.roofline_chart import save_roofline
from bench.report.roofline import build_roofline
from compile.pipeline import compile_model
from depthbench.errors import CheckFailed

KERNELS = [
    {"name": "conv", "operator": "convolution", "macs": 2_000_000, "bytes": 100_000},
    {"name": "add", "operator": "add", "macs": 0, "bytes": 5_000},
]
PEAK = Peak("float32", gflops=16.0, gbytes_s=0.2)


def inference(*ms: float) -> list[tuple[str, float]]:
    names = ("vm.builtin.alloc_storage", "conv", "add", "conv")
    return [(name, value / 1e3) for name, value in zip(names, ms, strict=True)]


def test_operators_come_in_order_with_their_median_and_the_machine_last() -> None:
    runs = [inference(0.1, 1, 2, 3), inference(0.3, 5, 2, 3), inference(0.2, 2, 2, 9)]
    profile = profile_of(KERNELS, runs, 7.0, PEAK)
    assert [row["name"] for row in profile["operators"]] == [
        *("conv", "add", "conv"),
        "virtual machine",
    ]
    assert [row["ms"] for row in profile["operators"]] == pytest.approx([2, 2, 3, 0.2])
    assert profile["sum_ms"] == pytest.approx(7.2)
    assert profile["whole_ms"] == 7.0


@pytest.mark.parametrize(
    "runs",
    [[], [[("other", 1.0)]], [inference(1, 1, 1, 1), inference(1, 1, 1, 1)[:3]]],
)
def test_calls_of_something_else_are_refused(runs: list[list[tuple[str, float]]]) -> None:
    with pytest.raises(CheckFailed, match="not those of the artefact"):
        profile_of(KERNELS, runs, 1.0, PEAK)


def test_this_machine_has_a_peak() -> None:
    peak = peak_here("float32", threads=1)
    assert peak.dtype == "float32"
    assert peak.gbytes_s is not None
    assert peak.gbytes_s > 0
    assert peak.gflops > 0


def test_a_network_on_this_machine_adds_up(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    weights = random.normal(size=(32, 32, 3, 3)).astype(np.float32)
    nodes = [
        helper.make_node("Conv", ["image", "w"], ["c"], pads=[1, 1, 1, 1]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("Conv", ["r", "w"], ["depth"], pads=[1, 1, 1, 1]),
    ]
    shape = [1, 32, 48, 48]
    inputs, outputs = (
        [helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, shape)]
        for name in ("image", "depth")
    )
    graph = helper.make_graph(
        nodes, "two", inputs, outputs, [numpy_helper.from_array(weights, "w")]
    )
    opset = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=10), tmp_path / "two.onnx")
    artefact = compile_model(tmp_path / "two.onnx", "host", tmp_path / "two-host")
    document = profile_here(artefact, 5)
    profile = document["profile"]
    # What the schedules take: fewer than direct convolutions of this size, by minimal filtering.
    assert sum(row["macs"] for row in profile["operators"]) == artefact.manifest["schedule"]["macs"]
    # Functional bounds only: this machine is shared.
    assert 0.3 < profile["sum_ms"] / profile["whole_ms"] < 3
    roofline = build_roofline(document)
    assert roofline is not None
    save_roofline(roofline, "two", tmp_path / "roof.png")
    assert (tmp_path / "roof.png").read_bytes().startswith(b"\x89PNG")
