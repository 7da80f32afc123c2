"""Quantised models are compiled for int8, run here, and compared with ONNX Runtime."""

from __future__ import annotations

from collections.abc import Callable

import onnx
import pytest

from compile.compiled import Compiled
from compile.precision import INT8
from tests.compile.conftest import compile_and_compare

EXACT = 2e-5


@pytest.fixture(scope="module")
def agree_int8(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Compiled]:
    """`agree_int8(model, target, tolerance)` compiles, runs and compares; no product is float."""
    folder = tmp_path_factory.mktemp("int8")

    def compare(
        model: onnx.ModelProto, target: str, tolerance: float = EXACT, floats: int = 0
    ) -> Compiled:
        compiled = compile_and_compare(model, folder, target, tolerance=tolerance, numbers=INT8)
        assert compiled.account.to_dict()["fallbacks"] == []
        assert sum(compiled.rewrites.operators()["fp32_operators"].values()) == floats
        return compiled

    return compare
