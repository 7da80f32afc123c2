"""From a runtime's name to a loaded model."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bench.compile_service import compile_for
from bench.models import Model, load_model
from bench.runtimes.base import Runtime
from depthbench.errors import InputError
from depthbench.progress import Progress

NAMES = (
    *("pytorch", "torch-compile", "torchscript", "executorch"),
    *("onnxruntime", "openvino", "ncnn", "litert", "mnn", "tvm"),
)
QUANTISED = ("onnxruntime", "openvino", "tvm")
"""Those that multiply the bytes of a quantised model (QDQ) instead of what they stand for."""


@dataclass(frozen=True)
class Prepared:
    """What a runtime loads, in its own format: a file, or an artefact's folder."""

    name: str
    file: Path
    threads: int


def choose(which: str) -> list[str]:
    """The runtimes that `which` names: `all`, or names with commas; raises InputError."""
    if which == "all":
        return list(NAMES)
    asked = [name.strip() for name in which.split(",") if name.strip()]
    unknown = [name for name in asked if name not in NAMES]
    if unknown or not asked:
        raise InputError(
            f"no runtime '{', '.join(unknown)}': give all, or some of {','.join(NAMES)}"
        )
    return list(dict.fromkeys(asked))


def open_runtime(
    name: str, model: Model, out: Path, *, threads: int = 1, precision: str | None = None
) -> Runtime:
    """Prepare `model` for the runtime called `name` and load it into this process.

    Raises what `prepare` and `load` raise.
    """
    return load(prepare(name, model, out, threads=threads, precision=precision))


def prepare(
    name: str,
    model: Model,
    out: Path,
    *,
    threads: int = 1,
    precision: str | None = None,
    progress: Progress = lambda line: None,
) -> Prepared:
    """Compile or convert `model` for the runtime called `name`, where it takes no ONNX.

    PyTorch's ways, `litert` and `executorch` need a network of the zoo, whose module is rebuilt;
    `tvm` compiles for the host, in `precision` (by default the model's), which the others do not
    know. Raises InputError where the model cannot be had in that form, or not in its precision,
    ToolMissing where what makes it is not installed.
    """
    if model.quantised and name not in QUANTISED:
        raise InputError(
            f"{name} does not run {model.path} in int8: of a quantised model that is done by "
            f"{', '.join(QUANTISED)}"
        )
    file = model.path
    if name == "litert":
        from bench.runtimes import litert_convert

        file = litert_convert.converted(model)
    elif name == "executorch":
        from bench.runtimes import executorch_convert

        file = executorch_convert.converted(model)
    elif name == "mnn":
        from bench.runtimes import mnn_convert

        file = mnn_convert.converted(model)
    elif name == "tvm":
        file = compile_for(
            str(model.path), "host", out, precision=precision, threads=threads, progress=progress
        ).folder
    return Prepared(name, file.absolute(), threads)


def load(prepared: Prepared) -> Runtime:
    """Load a prepared model into this process, to run on as many threads as it was prepared for.

    Raises InputError where the runtime does not take it, ToolMissing where it is not installed.
    """
    file, threads = prepared.file, prepared.threads
    match prepared.name:
        case "onnxruntime":
            from bench.runtimes.onnxruntime_cpu import OnnxRuntimeCpu

            return OnnxRuntimeCpu(file, threads=threads)
        case "openvino":
            from bench.runtimes.openvino_cpu import OpenVinoCpu

            return OpenVinoCpu(file, threads=threads)
        case "ncnn":
            from bench.runtimes.ncnn_cpu import NcnnCpu

            return NcnnCpu(file, threads=threads)
        case "litert":
            from bench.runtimes.litert_cpu import LiteRtCpu

            return LiteRtCpu(file, threads=threads)
        case "mnn":
            from bench.runtimes.mnn_cpu import MnnCpu

            return MnnCpu(file, threads=threads)
        case "executorch":
            from bench.runtimes.executorch_cpu import ExecuTorchCpu

            return ExecuTorchCpu(file, threads=threads)
        case "tvm":
            from bench.runtimes.tvm_host import TvmHost
            from compile.artefact import load_artefact

            return TvmHost(load_artefact(file))
    return _of_torch(prepared.name, load_model(file), threads)


def _of_torch(name: str, model: Model, threads: int) -> Runtime:
    from bench.runtimes.torch_compiled import TorchCompiled
    from bench.runtimes.torch_eager import TorchEager
    from bench.runtimes.torch_script import TorchScript
    from bench.runtimes.zoo_module import rebuilt

    module = rebuilt(model)
    if name == "pytorch":
        return TorchEager(module, threads=threads)
    adapter = TorchScript if name == "torchscript" else TorchCompiled
    return adapter(module, model.input_shape, threads=threads)
