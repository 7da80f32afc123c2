"""Every step from an ONNX model to a linked library, in order."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compile import interrupt, targets
from compile.artefact import LIBRARY, Artefact, finish, load_artefact, replacing
from compile.precision import FP32, Precision, for_target
from compile.records.tuned_choices import sha256_of, with_choices
from compile.runtime.threads import usable_cores
from compile.targets import Target
from depthbench import cancellation
from depthbench.errors import InputError
from depthbench.progress import Progress

if TYPE_CHECKING:
    from compile.graph.accounting import Rewrites
    from compile.onnx.importer import Model, Port
    from compile.runtime.executable import Machine
    from compile.runtime.memory import Memory
    from compile.schedules.select import Account

TOOLS = ("apache-tvm", "apache-tvm-ffi", "ziglang", "onnx", "onnxruntime", "numpy")


def compile_model(
    model: Path,
    target: str,
    output: Path,
    *,
    name: str | None = None,
    precision: str = FP32.name,
    threads: int = 1,
    input_shapes: Mapping[str, Sequence[int]] | None = None,
    tuned: Sequence[Path] | None = (),
    progress: Progress = lambda line: None,
    force: bool = False,
) -> Artefact:
    """Compile the ONNX file `model` for the target called `target` into the folder `output`.

    The code runs on up to `threads` threads, and is fastest on one where it is made for one.
    `input_shapes` fixes inputs of dynamic shape, by name. Schedules take tuned choices: those of
    the files `tuned`, then those shipped; none at all where it is None. The folder appears whole
    or not at all: the result is compared with ONNX Runtime, within the tolerance of `precision`
    (fp32 or fp16), before it is moved into place, and an older artefact stays until then. If
    `output` already holds the same model compiled by the same compiler for the same target,
    nothing is done (`Artefact.reused`) unless `force`. `progress` gets a line as each step begins.
    Raises InputError (wrong input), ToolMissing (no linker) and CheckFailed (the compiled model
    computes something else).
    """
    from compile.onnx import importer

    machine = with_choices(targets.get(target, threads), tuned)
    numbers = for_target(precision, machine)
    progress("reading the model")
    identity = _identity(model, input_shapes or {}, machine, numbers, name)
    if not force and (old := _same(output, identity)):
        return old
    source = importer.load_model(model, input_shapes)
    if source.sha256 != identity["source"]["sha256"]:
        raise InputError(f"{model}: was changed while it was read; compile again")

    from compile.lowering import build
    from compile.runtime.kernel_work import kernels_of

    with (
        replacing(output) as folder,
        interrupt.restored(),
        ThreadPoolExecutor(1, "twin") as second_core,
    ):
        twins: list[Future[Machine]] = []
        cores = min(threads, usable_cores())

        def build_twin(scheduled: Any) -> None:
            if not machine.runs_here:
                twins.append(second_core.submit(_host_build, scheduled, cores))

        compiled = generate(source, machine, numbers, progress, build_twin)
        cancellation.check()
        progress("linking")
        build.write_library(compiled.executable, folder / LIBRARY)
        cancellation.check()
        progress("checking against ONNX Runtime")
        manifest = {
            **identity,
            "tvm_target": machine.tvm,
            "inputs": [port.to_dict() for port in source.inputs],
            "outputs": [port.to_dict() for port in compiled.outputs],
            "arithmetic": numbers.to_dict(),
            "rewrites": compiled.rewrites.to_dict(),
            "schedule": compiled.account.to_dict(),
            "memory": compiled.memory.to_dict(),
            "kernels": kernels_of(compiled.scheduled),
            "check": _check(source, compiled, folder / LIBRARY, twins[-1:], cores, numbers),
            "warnings": list(source.warnings),
        }
        manifest = finish(folder, manifest)
    return Artefact(output, manifest)


@dataclass(frozen=True)
class Compiled:
    """A model as code in memory, and its scheduled functions to build for another machine."""

    executable: Any
    scheduled: Any
    rewrites: Rewrites
    account: Account
    memory: Memory
    outputs: tuple[Port, ...]


@dataclass(frozen=True)
class Rewritten:
    """A model whose operators are final, not yet as loops."""

    mod: Any
    numbers: Precision
    rewrites: Rewrites
    outputs: tuple[Port, ...]


def generate(
    source: Model,
    machine: Target,
    numbers: Precision = FP32,
    progress: Progress = lambda line: None,
    when_scheduled: Callable[[Any], None] = lambda scheduled: None,
) -> Compiled:
    """Import, rewrite, fuse, schedule and lower a checked model; see `make_code`."""
    rewritten = rewrite(source, machine, numbers, progress)
    return make_code(rewritten, machine, progress, when_scheduled)


def rewrite(
    source: Model,
    machine: Target,
    numbers: Precision = FP32,
    progress: Progress = lambda line: None,
) -> Rewritten:
    """Import and rewrite a checked model."""
    from compile.graph.accounting import in_turn
    from compile.graph.channels_last import channels_last
    from compile.graph.clip_to_minmax import raise_extrema
    from compile.graph.fold_scales import fold_scales
    from compile.graph.fold_shuffles import fold_shuffles
    from compile.graph.half_precision import half_precision
    from compile.graph.merge_convolutions import merge_convolutions
    from compile.graph.phase_convolution import phase_convolutions
    from compile.graph.qdq import dequantise_weights, store_bytes
    from compile.graph.remove_identities import remove_identities
    from compile.graph.reshape_constants import reshape_constants
    from compile.graph.sink_upsampling import sink_upsampling
    from compile.graph.transposed_convolution import transposed_convolutions
    from compile.onnx import importer

    cancellation.check()
    progress("importing")
    mod = importer.import_model(source)
    outputs = importer.output_ports(source, mod)
    cancellation.check()
    progress("rewriting")
    mod = reshape_constants(raise_extrema(mod))
    if numbers.storage == "int8":
        mod = store_bytes(mod, machine.dot_bytes)
    mod, rewrites = in_turn(
        mod,
        dequantise_weights,
        remove_identities,
        transposed_convolutions,
        fold_scales,
        merge_convolutions,
        sink_upsampling,
        fold_shuffles,
        phase_convolutions,
    )
    if numbers.storage == "float16":
        mod, rewrites.precision = half_precision(mod)
    return Rewritten(channels_last(mod), numbers, rewrites, outputs)


def make_code(
    model: Rewritten,
    machine: Target,
    progress: Progress = lambda line: None,
    when_scheduled: Callable[[Any], None] = lambda scheduled: None,
) -> Compiled:
    """Fuse, schedule and lower a rewritten model.

    `when_scheduled` gets the scheduled functions before code is generated from them; if that
    fails, it gets others, and the last are those of the result.
    """
    from compile.graph.fusion import fuse
    from compile.lowering import build
    from compile.lowering.vector_math import vector_math
    from compile.operators.byte_products import byte_products
    from compile.operators.fuse_depthwise_pointwise import pair_windows
    from compile.runtime.memory import memory_of
    from compile.schedules import schedule_utils
    from compile.schedules.rewrites.cross_kernel_prefetch import ask_for_next_weights
    from compile.schedules.select import schedule_module

    cancellation.check()
    progress("fusing")
    mod, rewrites = model.mod, model.rewrites
    if model.numbers.storage == "int8":
        mod, reduced = byte_products(mod, machine)
        rewrites = replace(rewrites, precision=reduced)
    mod = vector_math(pair_windows(fuse(mod, machine), machine))
    cancellation.check()
    progress("scheduling")
    scheduled, account = schedule_module(mod, machine)
    scheduled = ask_for_next_weights(scheduled, machine)
    cancellation.check()
    progress("generating code")
    when_scheduled(scheduled)
    try:
        with interrupt.restored():
            planned = build.plan(scheduled, machine)
            executable = build.generate_code(planned, machine)
    except schedule_utils.FAILURES:
        scheduled, account = schedule_module(mod, machine, verify=True)
        when_scheduled(scheduled)
        planned = build.plan(scheduled, machine)
        executable = build.generate_code(planned, machine)
    return Compiled(executable, scheduled, rewrites, account, memory_of(planned), model.outputs)


def _host_build(scheduled: Any, threads: int) -> Machine:
    from compile.lowering import build
    from compile.runtime import executable

    return executable.Machine(build.lower(scheduled, targets.get("host")), threads)


def _check(
    source: Model,
    compiled: Compiled,
    library: Path,
    twin: Sequence[Future[Machine]],
    threads: int,
    numbers: Precision,
) -> dict[str, Any]:
    """Run what was made, or its twin for this machine where there is one, against the model."""
    from compile import check
    from compile.runtime import executable

    if twin:
        runner, where = twin[0].result(), "host build of the same schedules"
    else:
        runner, where = executable.load_machine(library, threads), "the library itself"
    run = executable.by_name(runner, source.inputs, [port.name for port in compiled.outputs])
    return check.check_against_onnxruntime(source, run, where=where, tolerance=numbers.tolerance)


def _identity(
    model: Path,
    input_shapes: Mapping[str, Sequence[int]],
    machine: Target,
    numbers: Precision,
    name: str | None,
) -> dict[str, Any]:
    """What decides the result: an artefact with the same identity need not be made again.

    The model is read but not checked, which needs TVM, and that takes seconds to import: who made
    the artefact has checked it. A shape that is left open is no artefact's.
    """
    from compile.onnx import importer, model_file

    proto = model_file.parse(model)
    digest = model_file.load_weights(model, proto)
    importer.fix_shapes(model, proto, input_shapes)
    weights = {tensor.name for tensor in proto.graph.initializer}
    inputs = [value for value in proto.graph.input if value.name not in weights]
    props = {prop.key: prop.value for prop in proto.metadata_props}
    return {
        "name": name or props.get("name") or model.stem,
        "target": {"name": machine.name, "processor": machine.processor},
        "precision": numbers.name,
        "threads": machine.threads,
        "tuned_sha256": sha256_of(machine.choices.tuned),
        "source": {
            "file": model.name,
            "sha256": digest,
            "shapes": {
                value.name: [dim.dim_value for dim in value.type.tensor_type.shape.dim]
                for value in inputs
            },
        },
        "tools": {tool: metadata.version(tool) for tool in TOOLS},
        "compiler": _compiler_sha256(),
    }


def _same(output: Path, identity: dict[str, Any]) -> Artefact | None:
    try:
        old = load_artefact(output)
    except InputError:
        return None
    if any(old.manifest.get(key) != value for key, value in identity.items()):
        return None
    return Artefact(old.folder, old.manifest, reused=True)


@cache
def _compiler_sha256() -> str:
    """The hash of this package's own sources."""
    digest = hashlib.sha256()
    folder = Path(__file__).parent
    for file in sorted(folder.rglob("*.py")):
        digest.update(f"{file.relative_to(folder)}\n".encode() + file.read_bytes())
    return digest.hexdigest()
