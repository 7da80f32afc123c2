"""From a runtime's name to a loaded model."""

from __future__ import annotations

from pathlib import Path

from bench.artefacts import compile_for
from bench.errors import InputError
from bench.models import Model
from bench.runtimes.base import Runtime

NAMES = ("pytorch", "onnxruntime", "openvino", "ncnn", "litert", "tvm")


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
    """Load `model` into the runtime called `name`, on `threads` threads.

    `pytorch` and `litert` need a network of the zoo, whose model they rebuild; `tvm` compiles for
    the host first, in `precision` (by default the model's), which the others do not know. Raises
    InputError where the model cannot be had in that form, ToolMissing where the runtime is not
    installed.
    """
    if name == "onnxruntime":
        from bench.runtimes.onnxruntime_cpu import OnnxRuntimeCpu

        return OnnxRuntimeCpu(model.path, threads=threads)
    if name == "openvino":
        from bench.runtimes.openvino_cpu import OpenVinoCpu

        return OpenVinoCpu(model.path, threads=threads)
    if name == "ncnn":
        from bench.runtimes.ncnn_cpu import NcnnCpu

        return NcnnCpu(model.path, threads=threads)
    if name == "litert":
        from bench.runtimes.litert_convert import converted
        from bench.runtimes.litert_cpu import LiteRtCpu

        return LiteRtCpu(converted(model), threads=threads)
    if name == "pytorch":
        from bench.runtimes.rebuilt import rebuilt
        from bench.runtimes.torch_eager import TorchEager

        return TorchEager(rebuilt(model), threads=threads)
    from bench.runtimes.tvm_host import TvmHost

    artefact = compile_for(str(model.path), "host", out, precision=precision, threads=threads)
    return TvmHost(artefact)
