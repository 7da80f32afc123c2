"""Quantised models are compiled for int8, run here, and compared with ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable

import onnx
import pytest

from compile import targets
from compile.check import check_against_onnxruntime
from compile.compiled import Compiled
from compile.lowering import build
from compile.onnx.checked_model import load_model
from compile.pipeline import generate
from compile.precision import INT8
from compile.runtime.executable import Machine, by_name

EXACT = 2e-5


@pytest.fixture(scope="module")
def agree_int8(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Compiled]:
    """`agree_int8(model, target, tolerance)` compiles, runs and compares; no product is float."""
    folder = tmp_path_factory.mktemp("int8")

    def compare(
        model: onnx.ModelProto, target: str, tolerance: float = EXACT, floats: int = 0
    ) -> Compiled:
        onnx.save(model, str(folder / "model.onnx"))
        source = load_model(folder / "model.onnx")
        machine = targets.get(target)
        compiled = generate(source, machine, INT8)
        executable = compiled.executable
        if not machine.runs_here:
            executable = build.lower(compiled.scheduled, targets.get("host"))
        run = by_name(Machine(executable), source.inputs, [port.name for port in compiled.outputs])
        found = check_against_onnxruntime(source, run, where="test", tolerance=1.0)
        assert max(found["relative_difference"].values()) <= tolerance
        assert compiled.account.to_dict()["fallbacks"] == []
        assert sum(compiled.rewrites.operators()["fp32_operators"].values()) == floats
        return compiled

    return compare
