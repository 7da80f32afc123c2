"""Runtimes are found by what their files declare."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

import bench.runtimes
from bench.models import load_model
from bench.runtimes import registry
from depthbench.errors import InputError


@pytest.fixture
def another_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One more file in the package, and nothing else changed."""
    source = """
        from pathlib import Path

        from bench.runtimes.base import Runtime
        from bench.runtimes.declaration import Declaration


        class Doubling(Runtime):
            name = "doubling"

            def __init__(self, file, *, threads):
                self.file, self.threads = file, threads

            def run(self, inputs):
                return {"depth": 2 * inputs["image"]}

            def describe(self):
                return {"threads": self.threads, "precision": "fp32"}


        def convert(model, asked):
            result = asked.out / f"{model.name}.doubled"
            result.write_bytes(b"doubled")
            return result


        RUNTIME = Declaration(name="doubling", format="doubled", load=Doubling, convert=convert)
    """
    (tmp_path / "doubling_cpu.py").write_text(textwrap.dedent(source))
    path = [*bench.runtimes.__path__, str(tmp_path)]
    monkeypatch.setattr(bench.runtimes, "__path__", path)
    registry.declarations.cache_clear()
    monkeypatch.setattr(registry, "declarations", registry.declarations.__wrapped__)


@pytest.mark.usefixtures("another_file")
def test_a_runtime_is_added_by_its_file_alone(tiny_onnx: Path, tmp_path: Path) -> None:
    assert "doubling" in registry.choose("all")
    model = load_model(tiny_onnx)
    with registry.open_runtime("doubling", model, tmp_path, threads=3) as runtime:
        assert runtime.run({"image": 1.5}) == {"depth": 3.0}  # type: ignore[dict-item]
        assert runtime.describe()["threads"] == 3
    assert (tmp_path / "tiny.doubled").read_bytes() == b"doubled"


def test_every_declaration_is_whole() -> None:
    for name, one in registry.declarations().items():
        assert one.name == name
        assert one.packages
        assert set(one.precisions) <= {"fp32", "fp16", "int8"}
        assert (one.convert is None) == (one.format == "onnx")


def test_an_unknown_runtime_is_refused_with_those_that_are_known(tmp_path: Path) -> None:
    with pytest.raises(
        InputError, match="unknown runtime 'none'; choose one of executorch, litert"
    ):
        registry.load(registry.Prepared("none", tmp_path, 1))


def test_finding_the_runtimes_imports_none_of_their_packages() -> None:
    heavy = "torch tvm onnx onnxruntime openvino ncnn pnnx MNN ai_edge_litert executorch"
    code = (
        "import sys; from bench.runtimes import registry; registry.declarations(); "
        f"print([name for name in {heavy.split()} if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
