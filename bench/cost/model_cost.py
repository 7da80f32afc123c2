"""What a model costs on a Cortex-A76, beside its peers, as a record."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.compile_service import resolve_artefact
from bench.cost.cost_comparison import TARGET
from bench.cost.cost_rows import CountedModel, Row, able, reference_outputs
from bench.cost.estimating.llvm import find_tool
from bench.cost.memory.core import RASPBERRY_PI_5, Core
from bench.measure.agreement import seeded_inputs
from bench.measure.measurement import INPUT, LABELS
from bench.measure.runtime_comparison import reason_of
from bench.model_card import NOTHING, Asked, open_model
from bench.models import Model, as_path, check_source, load_model, names_folder, shapes_given
from bench.peers.peer import OURS, Setting, check_precision, choose
from bench.peers.rows import Rows
from bench.records.record import Record, new_record
from depthbench import cancellation
from depthbench.emulator import CPU_MODEL, find_emulator
from depthbench.errors import CheckFailed, InputError
from depthbench.progress import Progress

if TYPE_CHECKING:
    from compile.artefact import Artefact

KIND = "cost"


def choose_peers(which: str) -> list[str]:
    """The runtimes beside ours that `which` names, with commas or all; InputError for others."""
    return [name for name in choose(which) if name != OURS] if which else []


def measure_cost(
    what: str,
    out: Path,
    *,
    precision: str | None = None,
    model: Path | None = None,
    peers: str = "",
    core: Core = RASPBERRY_PI_5,
    asked: Asked = NOTHING,
    strict: bool = True,
    progress: Progress = lambda line: None,
) -> Record:
    """Count one inference of `what` on one thread of an emulated Cortex-A76; estimate its time.

    `what` is a network's name or an ONNX file, compiled for arm64-a76 as `asked`, or an artefact
    folder, whose ONNX file is `model` or lies beside it; the time is that on `core`. The outputs
    are those of ONNX Runtime, in the model's tolerance, before anything is told. `peers` (names
    with commas, or all) are counted too, in the same precision, and have a row each; those that are
    not installed are `absent`, and of a model of several inputs all are; unless `strict`, so is a
    named one that does not run the model. One whose emulation fails,
    or that computes something else, is `lost`. Raises InputError for a model, artefact or precision
    that cannot be counted, by a named peer either, CheckFailed where ours computes something else
    or its emulation fails, ToolMissing without the emulator or LLVM.
    """
    names = choose_peers(peers)
    named = names if strict and peers != "all" else []
    if precision:
        _check_precision(named, precision)
    find_emulator()
    find_tool("llvm-mca")
    artefact, source = _compiled(what, out, precision, model, asked, progress)
    ours = Setting(OURS, artefact.manifest["precision"])
    _check_precision(named, ours.precision)
    rows = Rows(source, named=bool(named))
    if len(source.inputs) != 1:
        rows.absent |= dict.fromkeys(names, "peers are counted on models of one input")
    settings = [Setting(name, ours.precision) for name in names if name not in rows.absent]
    inputs = seeded_inputs(artefact.manifest["inputs"])
    subject = CountedModel(source, inputs, reference_outputs(source, inputs), core, progress)
    tolerance = artefact.manifest["check"]["tolerance"]
    ready = able(settings, source, rows, progress)
    row = subject.count_ours(ours, artefact, tolerance)
    beside: dict[str, Row] = {}
    for setting in ready:
        cancellation.check()
        with rows.trying(setting):
            try:
                beside[setting.name] = subject.count_peer(setting, tolerance)
            except CheckFailed as error:
                rows.lost[setting.name] = reason_of(error, source)
    return _record(artefact, source, core, row, beside, rows)


def _check_precision(names: Iterable[str], precision: str) -> None:
    for name in names:
        check_precision(Setting(name, precision))


def _compiled(
    what: str,
    out: Path,
    precision: str | None,
    model: Path | None,
    asked: Asked,
    progress: Progress,
) -> tuple[Artefact, Model]:
    """The artefact of `what`, and the ONNX file that it was compiled from, its shapes fixed."""
    if asked != NOTHING and names_folder(what):
        raise InputError(
            f"{what}: an artefact is counted as it was compiled",
            advice="name its model, or compile again",
        )
    artefact, file = resolve_artefact(
        what, out, model=model, precision=precision, asked=asked, progress=progress
    )
    if (target := artefact.manifest["target"]["name"]) != TARGET:
        raise InputError(
            f"{what}: compiled for {target}, not for {TARGET}",
            advice=f"compile it with --target {TARGET}",
        )
    source = load_model(file, artefact.manifest["name"])
    check_source(artefact, source)
    if shapes := shapes_given(artefact, source):
        source = open_model(as_path(file), out, Asked(shapes=shapes), progress=progress)
    return artefact, source


def _record(
    artefact: Artefact, model: Model, core: Core, row: Row, peers: dict[str, Row], rows: Rows
) -> Record:
    from android_rpc.devices.emulated import EmulatedPhone

    manifest, cost = artefact.manifest, dict(row["cost"])
    told = {name: cost.pop(name) for name in ("emulator", "cycle_model", "note")}
    del cost["label"]  # a record has it in words
    fields: dict[str, Any] = {
        "source": "emulated",
        "label": LABELS["emulated cost"],
        "model": manifest["name"],
        "model_sha256": manifest["source"]["sha256"],
        "model_file": model.own_file,
        "input_shapes": dict(model.shapes_given),
        "card": manifest.get("card"),
        "artefact_sha256": artefact.sha256,
        "artefact_bytes": artefact.library.stat().st_size,
        "memory": manifest.get("memory"),
        "target": manifest["target"]["name"],
        "device": {
            "name": EmulatedPhone.name,
            "emulated": True,
            "core": core.name,
            "clock_ghz": core.clock_ghz,
        },
        **{name: row[name] for name in ("agreement", "estimate", "traffic", "seconds")},
        **cost,
        "peers": peers,
        **rows.document(),
        "conditions": {
            "precision": manifest["precision"],
            "threads": 1,
            "input": INPUT,
            "cpu_model": CPU_MODEL,
            **told,
        },
    }
    return new_record(KIND, fields)
