"""One model on several runtimes, some of which cannot run it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from numpy.typing import NDArray

from bench.measure import runtime_comparison
from bench.measure.runtime_comparison import compare_runtimes
from bench.models import Model
from bench.runtimes.base import Runtime
from depthbench.errors import CheckFailed, InputError, RuntimeLost, ToolMissing


@pytest.fixture
def in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Runtimes of which some take any model, and each other one refuses it in its own way."""

    def prepare(name: str, model: Model, *_: Any, **__: Any) -> str:
        if name == "tvm":
            raise CheckFailed("the compiled model computes something else")
        if name == "mnn":
            raise RuntimeLost("mnn: its process ended")
        if name == "ncnn":
            raise InputError(f"pnnx cannot convert {model.path}")
        if name == "executorch":
            raise ToolMissing(f"no loader of {model.path.absolute()}", advice="install it")
        return name

    class Twice(Runtime):
        def __init__(self, prepared: str, **_: Any) -> None:
            self.name = prepared

        def run(self, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
            if self.name == "litert":
                raise InputError("LiteRT refuses the inputs", advice="give others")
            return {"depth": inputs["image"] * 2}

        def describe(self) -> dict[str, Any]:
            return {"threads": 1, "precision": "fp32"}

    monkeypatch.setattr(runtime_comparison, "prepare", prepare)
    monkeypatch.setattr(runtime_comparison, "SubprocessRuntime", Twice)


@pytest.mark.usefixtures("in_this_process")
def test_of_all_runtimes_those_that_cannot_run_the_model_are_listed_with_the_reason(
    tiny_onnx: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ["executorch", "litert", "mnn", "ncnn", "openvino", "tvm"]
    monkeypatch.setattr(runtime_comparison, "choose", lambda _: names)
    found = compare_runtimes(str(tiny_onnx), tmp_path, runtimes="all", rounds=3)
    assert list(found["runtimes"]) == ["onnxruntime", "openvino"]
    assert found["absent"] == {
        "executorch": "no loader of tiny",
        "litert": "LiteRT refuses the inputs",
        "ncnn": "pnnx cannot convert tiny",
        "tvm": "the compiled model computes something else",
    }
    assert found["lost"] == {"mnn": "mnn: its process ended"}


@pytest.mark.usefixtures("in_this_process")
@pytest.mark.parametrize(
    ("name", "error"), [("tvm", CheckFailed), ("ncnn", InputError), ("litert", InputError)]
)
def test_a_runtime_that_is_named_and_cannot_run_the_model_is_an_error(
    name: str, error: type[Exception], tiny_onnx: Path, tmp_path: Path
) -> None:
    with pytest.raises(error):
        compare_runtimes(str(tiny_onnx), tmp_path, runtimes=name, rounds=3)


@pytest.mark.usefixtures("in_this_process")
def test_without_a_reference_the_reason_is_given(
    tiny_onnx: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(runtime_comparison, "REFERENCE", "ncnn")
    with pytest.raises(InputError, match="pnnx cannot convert"):
        compare_runtimes(str(tiny_onnx), tmp_path, rounds=3)
