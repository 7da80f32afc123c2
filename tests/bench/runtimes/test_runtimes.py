"""Every runtime that runs in this process computes what the model's formula says."""

from __future__ import annotations

import importlib.metadata
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from bench.models import load_model
from bench.runtimes.base import Runtime
from bench.runtimes.executorch_cpu import ExecuTorchCpu
from bench.runtimes.litert_cpu import LiteRtCpu
from bench.runtimes.mnn_cpu import MnnCpu
from bench.runtimes.ncnn_cpu import NcnnCpu
from bench.runtimes.onnxruntime_cpu import OnnxRuntimeCpu
from bench.runtimes.openvino_cpu import OpenVinoCpu
from bench.runtimes.registry import choose, declarations, prepare
from bench.runtimes.torch_compiled import TorchCompiled
from bench.runtimes.torch_eager import TorchEager
from bench.runtimes.torch_script import TorchScript
from bench.runtimes.tvm_host import TvmHost
from bench.runtimes.tvm_rpc import TvmRpc
from compile.artefact import Artefact
from compile.pipeline import compile_model
from depthbench.errors import InputError, ToolMissing

PEERS = {
    *("executorch", "litert", "mnn", "ncnn", "onnxruntime", "openvino"),
    *("pytorch", "torch-compile", "torchscript"),
}
ClosedForm = Callable[[np.ndarray], np.ndarray]
# torch_module() below, converted by litert-torch, and exported for ExecuTorch.
TINY_TFLITE = Path(__file__).with_name("tiny.tflite")
TINY_PTE = Path(__file__).with_name("tiny.pte")


@pytest.fixture
def image() -> np.ndarray:
    return np.random.default_rng(3).random((1, 3, 4, 6), dtype=np.float32)


def torch_module() -> torch.nn.Module:
    module = torch.nn.Conv2d(3, 1, 1)
    with torch.no_grad():
        module.weight[0, :, 0, 0] = torch.tensor([0.5, -2.0, 3.0])
        module.bias[0] = 4.0  # type: ignore[index]
    return module


def open_tiny(name: str, tiny_onnx: Path, folder: Path) -> Runtime:
    """The tiny model on a runtime, on two threads.

    torch.compile takes long to compile it: its test is among those that start processes.
    """
    match name:
        case "onnxruntime" | "openvino" | "ncnn":
            adapters = {"onnxruntime": OnnxRuntimeCpu, "openvino": OpenVinoCpu, "ncnn": NcnnCpu}
            return adapters[name](tiny_onnx, threads=2)
        case "litert":
            return LiteRtCpu(TINY_TFLITE, threads=2)
        case "executorch":
            return ExecuTorchCpu(TINY_PTE, threads=2)
        case "mnn":
            return MnnCpu(prepare(name, load_model(tiny_onnx), folder).file, threads=2)
        case "pytorch":
            return TorchEager(torch_module(), threads=2)
        case "torchscript":
            return TorchScript(torch_module(), (1, 3, 4, 6), threads=2)
    return TvmHost(compile_model(tiny_onnx, "host", folder / "host", threads=2))


@pytest.mark.parametrize("name", [name for name in declarations() if name != "torch-compile"])
def test_computes_the_formula(
    name: str,
    tiny_onnx: Path,
    tmp_path: Path,
    image: np.ndarray,
    closed_form: ClosedForm,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DEPTHBENCH_CACHE", str(tmp_path / "cache"))
    with open_tiny(name, tiny_onnx, tmp_path) as runtime:
        assert runtime.name == name
        (depth,) = runtime.run({"image": image}).values()
        np.testing.assert_allclose(depth, closed_form(image), rtol=1e-5)
        described = runtime.describe()
        assert described["threads"] == 2
        assert "fp32" in described["precision"]
        with pytest.raises(ValueError, match=r"inputs|takes"):
            runtime.run({"picture": image})


def test_onnxruntime_refuses_in_one_line(tiny_onnx: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(tiny_onnx.read_bytes()[:60])
    with pytest.raises(InputError, match="cannot load") as caught:
        OnnxRuntimeCpu(broken)
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="no such file"):
        OnnxRuntimeCpu(tmp_path / "none.onnx")
    with pytest.raises(InputError, match="refuses") as caught:
        OnnxRuntimeCpu(tiny_onnx).run({"image": np.zeros((1, 3, 5, 5), np.float32)})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("runtime", [OpenVinoCpu, NcnnCpu])
def test_peers_refuse_in_one_line(
    runtime: type[OpenVinoCpu] | type[NcnnCpu], tiny_onnx: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="no such file"):
        runtime(tmp_path / "none.onnx")
    broken = tmp_path / "broken.onnx"
    broken.write_bytes(tiny_onnx.read_bytes()[:60])
    with pytest.raises(InputError, match=r"cannot|is not") as caught:
        runtime(broken)
    assert "\n" not in str(caught.value)


def test_litert_refuses_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        LiteRtCpu(tmp_path / "none.tflite")
    (tmp_path / "broken.tflite").write_bytes(b"no model")
    with pytest.raises(InputError, match="cannot load") as caught:
        LiteRtCpu(tmp_path / "broken.tflite")
    assert "\n" not in str(caught.value)
    with pytest.raises(InputError, match="refuses") as caught:
        LiteRtCpu(TINY_TFLITE).run({"image": np.zeros((1, 3, 5, 5), np.float32)})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("runtime", [MnnCpu, ExecuTorchCpu])
def test_what_is_converted_is_refused_in_one_line(
    runtime: type[MnnCpu] | type[ExecuTorchCpu], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="no such file"):
        runtime(tmp_path / "none")
    (tmp_path / "broken").write_bytes(b"no model")
    with pytest.raises(InputError, match="cannot load") as caught:
        runtime(tmp_path / "broken")
    assert "\n" not in str(caught.value)


def test_without_a_compiler_torch_compile_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(ToolMissing, match=r"needs a C\+\+ compiler; apt-get install g\+\+"):
        TorchCompiled(torch_module(), (1, 3, 4, 6))


def test_mnn_cannot_convert_what_is_no_model(
    tiny_onnx: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEPTHBENCH_CACHE", str(tmp_path / "cache"))
    model = load_model(tiny_onnx)
    tiny_onnx.write_bytes(b"no model")
    with pytest.raises(InputError, match="MNN cannot convert tiny: ") as caught:
        prepare("mnn", model, tmp_path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["litert", "executorch"])
def test_what_is_made_of_the_module_takes_networks_of_the_zoo_only(
    name: str, tiny_onnx: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.metadata.version", lambda name: "1")
    with pytest.raises(InputError, match="no network of the zoo"):
        prepare(name, load_model(tiny_onnx), tmp_path)


def test_litert_without_its_converter_says_how_to_get_it(
    tiny_onnx: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing(name: str) -> str:
        raise importlib.metadata.PackageNotFoundError(name)

    monkeypatch.setattr("importlib.metadata.version", missing)
    model = replace(load_model(tiny_onnx), metadata={"name": "mobiledepth"})
    with pytest.raises(ToolMissing, match="pip install litert-torch"):
        prepare("litert", model, tmp_path)


@pytest.mark.parametrize("works", [True, False])
def test_a_conversion_happens_once_and_leaves_nothing_when_it_fails(
    works: bool, tiny_onnx: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls, converter = tmp_path / "calls", tmp_path / "converter"
    ending = f'cp {TINY_TFLITE} "$6"' if works else "printf 'two\\nlines\\n' >&2; exit 1"
    converter.write_text(f'#!/bin/sh\necho "$@" >> {calls}\n{ending}\n')
    converter.chmod(0o755)
    monkeypatch.setenv("DEPTHBENCH_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("importlib.metadata.version", lambda name: "1")
    monkeypatch.setattr("sys.executable", str(converter))
    model = replace(load_model(tiny_onnx), metadata={"name": "mobiledepth"})
    if works:
        assert prepare("litert", model, tmp_path) == prepare("litert", model, tmp_path)
    else:
        with pytest.raises(InputError, match="cannot convert tiny: lines"):
            prepare("litert", model, tmp_path)
    assert len(calls.read_text().splitlines()) == 1
    left = [file.suffix for file in (tmp_path / "cache" / "litert").iterdir()]
    assert left == ([".litert"] if works else [])


def test_runtimes_are_named_once_each_and_misspelt_ones_refused() -> None:
    assert choose("all") == sorted(PEERS | {"tvm"})
    assert choose("tvm, ncnn,tvm") == ["tvm", "ncnn"]
    with pytest.raises(InputError, match="give all, or some of executorch,litert"):
        choose("")
    for wrong, advice in (("ncn", "'ncnn'"), ("tvm,torch", "'pytorch'")):
        with pytest.raises(InputError, match=f"unknown runtime.*{advice}"):
            choose(wrong)


@pytest.mark.parametrize("name", sorted(PEERS - {"onnxruntime", "openvino"}))
def test_who_would_run_a_quantised_model_in_floats_is_not_compared(
    name: str, tiny_onnx: Path, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"does not run .* in int8"):
        prepare(name, replace(load_model(tiny_onnx), quantised=True), tmp_path)


def test_pytorch_leaves_the_threads_of_the_process_alone(image: np.ndarray) -> None:
    seen = []

    class Watch(torch.nn.Module):
        def forward(self, image: torch.Tensor) -> torch.Tensor:
            seen.append(torch.get_num_threads())
            if len(seen) == 2:
                raise RuntimeError("out of memory")
            return image

    before = torch.get_num_threads()
    runtime = TorchEager(Watch(), threads=before + 1)
    runtime.run({"image": image})
    assert torch.get_num_threads() == before
    with pytest.raises(RuntimeError, match="memory"):
        runtime.run({"image": image})
    assert (seen, torch.get_num_threads()) == ([before + 1] * 2, before)


class CountingModel:
    """A model on a device: its timer runs it once more than it counts."""

    def __init__(self) -> None:
        self.inferences = 0

    def samples(self, count: int) -> list[float]:
        self.inferences += count + 1
        return [0.25] * count

    def load(self, library: Path) -> CountingModel:
        return self


@pytest.mark.parametrize("warmup", [0, 1, 2, 10])
def test_over_rpc_warm_ups_are_all_run_before_the_first_sample(
    artefact: Artefact, warmup: int
) -> None:
    model = CountingModel()
    runtime = TvmRpc(artefact, model)  # type: ignore[arg-type]
    runtime.warm_up(warmup)
    assert runtime.times(5) == [0.25] * 5
    assert model.inferences - 5 >= max(warmup, 1)
