"""From an ONNX model to a linked library, stage by stage; `phases.py` lists what each does."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compile import interrupt, phases, targets
from compile.artefact import LIBRARY, Artefact, finish, replacing
from compile.cache_key import cache_key, up_to_date
from compile.compiled import Compiled, Rewritten
from compile.library_errors import as_input_error
from compile.observer import Observer
from compile.onnx import model_file
from compile.precision import FP32, Precision, for_target
from compile.records.tuned_choices import with_choices
from compile.targets import Target
from depthbench.errors import CheckFailed, InputError
from depthbench.progress import Progress

if TYPE_CHECKING:
    import tvm

    from compile.onnx.checked_model import Model


def compile_model(
    model: Path,
    target: str,
    output: Path,
    *,
    name: str | None = None,
    precision: str = FP32.name,
    threads: int = 1,
    allow_growth: bool = False,
    input_shapes: Mapping[str, Sequence[int]] | None = None,
    card: Mapping[str, Any] | None = None,
    tuned: Sequence[Path] | None = (),
    progress: Progress = lambda line: None,
    force: bool = False,
    dump_ir: Path | None = None,
) -> Artefact:
    """Compile the ONNX file `model` for the target called `target` into the folder `output`.

    The code runs on up to `threads` threads, and is fastest on one where it is made for one. With
    `allow_growth`, weights for a phone may be stored in a larger form too, where that is faster.
    `input_shapes` fixes inputs of dynamic shape, by name. `card`, what is said of the model's use,
    is kept in the manifest. Schedules take tuned choices: those of the files `tuned`, then those
    shipped; none at all where it is None. The folder appears whole
    or not at all: the result is compared with ONNX Runtime, within the tolerance of `precision`
    (fp32, fp16 or int8), before it is moved into place, and an older artefact stays until then.
    Where fp16 is beyond it, the model is compiled once more with its end in float32. If
    `output` already holds the same model compiled by the same compiler for the same target,
    nothing is done (`Artefact.reused`) unless `force` or `dump_ir`: the folder that the module is
    written to after each phase. `progress` gets a line as each step begins. Raises InputError
    (wrong input), ToolMissing (no linker) and CheckFailed (the compiled model computes something
    else).
    """
    machine = with_choices(targets.get(target, threads), tuned)
    machine = replace(machine, may_grow=machine.may_grow or allow_growth)
    numbers = for_target(precision, machine)
    observer = Observer(progress, dump_ir)
    observer.begin("reading the model")
    file = model_file.read(model, input_shapes)
    key = cache_key(file, machine, numbers, name, card)
    if not (force or dump_ir) and (old := up_to_date(output, key)):
        return old

    from compile.host_twin import HostTwin
    from compile.lowering import build
    from compile.manifest import manifest_of
    from compile.onnx.checked_model import check_model

    source = check_model(file)
    with replacing(output) as folder, interrupt.restored(), HostTwin(machine) as twin:
        while True:
            compiled = generate(source, machine, numbers, observer, twin.build)
            observer.begin("linking")
            build.write_library(compiled.executable, folder / LIBRARY)
            observer.begin("checking against ONNX Runtime")
            try:
                check = twin.check(source, compiled, folder / LIBRARY, numbers)
                break
            except (CheckFailed, InputError):
                if numbers.closer is None:
                    raise
                numbers = numbers.closer
        speed = twin.speed(source)
        content = manifest_of(key, source, machine, numbers, compiled, check, speed)
        manifest = finish(folder, content)
    return Artefact(output, manifest)


def generate(
    source: Model,
    machine: Target,
    numbers: Precision = FP32,
    observer: Observer | None = None,
    when_scheduled: Callable[[tvm.IRModule], None] = lambda scheduled: None,
) -> Compiled:
    """Import, rewrite, fuse, schedule and lower a checked model; see `make_code`.

    Raises InputError, in one line, for what TVM has no code for.
    """
    with as_input_error(f"{source.path}: TVM cannot compile this model"):
        rewritten = rewrite(source, machine, numbers, observer)
        return make_code(rewritten, machine, observer, when_scheduled)


def rewrite(
    source: Model, machine: Target, numbers: Precision = FP32, observer: Observer | None = None
) -> Rewritten:
    """Import and rewrite a checked model: all that does not depend on a schedule's choices."""
    from compile.graph.accounting import Rewrites, operator_macs
    from compile.onnx.importer import import_model, output_ports
    from compile.operators.legalise import clip_take

    clip_take()
    observer = observer or Observer()
    observer.begin("importing")
    mod = import_model(source)
    observer.after("import", mod)
    outputs = output_ports(source, mod)
    observer.begin("rewriting")
    mod, _ = observer.run(phases.repairs(machine, numbers), mod)
    before = operator_macs(mod)
    mod, done = observer.run(phases.rewrites(numbers), mod)
    return Rewritten(mod, numbers, Rewrites.of(before, operator_macs(mod), done), outputs)


def make_code(
    model: Rewritten,
    machine: Target,
    observer: Observer | None = None,
    when_scheduled: Callable[[tvm.IRModule], None] = lambda scheduled: None,
) -> Compiled:
    """Fuse, schedule and lower a rewritten model.

    `when_scheduled` gets the scheduled functions before code is generated from them; if that
    fails, it gets others, and the last are those of the result.
    """
    from tvm.error import InternalError

    from compile.lowering.build import generate_code
    from compile.runtime.memory import memory_of

    observer = observer or Observer()
    observer.begin("fusing")
    mod, done = observer.run(phases.kernels(machine, model.numbers), model.mod)

    def scheduled_and_built(*, build_each: bool) -> Compiled:
        observer.begin("scheduling")
        scheduled, chosen = observer.run(phases.schedules(machine, build_each=build_each), mod)
        observer.begin("generating code")
        when_scheduled(scheduled)
        planned, _ = observer.run(phases.lowering(machine), scheduled)
        return Compiled(
            generate_code(planned, machine),
            scheduled,
            planned,
            model.rewrites.with_phases(done),
            chosen["schedule"],
            memory_of(planned),
            model.outputs,
        )

    try:
        with interrupt.restored():
            return scheduled_and_built(build_each=False)
    except InternalError:  # TVM cannot generate code from one of the schedules
        return scheduled_and_built(build_each=True)
