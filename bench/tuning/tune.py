"""From a model to the tuned choices of its schedules, kept where `compile` finds them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.compile_service import default_tuned_file, in_precision
from bench.models import resolve_model
from bench.tuning.measurer import NetworkMeasurer
from depthbench.errors import InputError
from depthbench.progress import Progress

if TYPE_CHECKING:
    from compile.targets import Target
    from compile.tuning.network import Trial
    from compile.tuning.running import Running
    from compile.tuning.tune import State

EMULATED = "emulated"
OpenMeasurer = Callable[["Trial", "Running"], NetworkMeasurer]


def tune(
    model: str,
    target: str,
    out: Path,
    *,
    device: str | None = None,
    minutes: float = 20.0,
    seed: int = 0,
    threads: int = 1,
    precision: str | None = None,
    tuned: Path | None = None,
    progress: Progress = lambda line: None,
) -> dict[str, Any]:
    """Tune `model` (a network's name or an ONNX file) for `target`, `minutes` in all.

    What was measured is kept in the user's cache after every round, and the same call goes on
    from there; rounds of before count. If the whole interval of the network's ratio is a gain,
    the choices are added to the file `tuned`, by default the user's own. Returns the account.
    Raises InputError for wrong use, CheckFailed where nothing can be measured, and what the device
    raises.
    """
    from compile import precision as precisions
    from compile import targets
    from compile.onnx.checked_model import load_model
    from compile.records import tuned_choices
    from compile.tuning.journal import Journal
    from compile.tuning.network import Network
    from compile.tuning.tune import Tuning

    machine = targets.get(target, threads)
    if precision is not None:
        precisions.for_target(precision, machine)
    file = tuned or default_tuned_file(machine)
    before = tuned_choices.read(file, machine) if file.is_file() else {}
    with _open_measurer(machine, device, progress) as (where, open_measurer):
        source = resolve_model(model, out, progress=progress)
        source = in_precision(source, precision, out, progress)
        precision = precision or ("int8" if source.quantised else "fp32")
        numbers = precisions.for_target(precision, machine)
        loaded = load_model(source.path)
        network = Network(loaded, machine, numbers)
        identity = {**network.identity(), "where": where, "seed": seed}
        journal = Journal(default_tuned_file(machine).parent / "journals", identity)
        resumed = len(journal.rounds)
        progress("building and measuring the untuned network")
        known = tuned_choices.choices_for(machine, [file] if before else [])
        tuning = Tuning(network, source.name, open_measurer, journal, seed=seed, known=known)
        found = tuning.run(60 * minutes, lambda state: progress(describe(state)))
        document: dict[str, Any] = {
            "model": source.name,
            "target": machine.name,
            "device": where,
            "precision": precision,
            "threads": threads,
            "seed": seed,
            "minutes": journal.seconds / 60,
            "objective": tuning.measurer.objective,
            "rounds": found.rounds,
            "rounds_of_before": resumed,
            "workloads": found.workloads,
            "measured": found.measured,
            "failed": found.failed,
            "tuned_workloads": len(found.records),
            "gain_of_kernels": found.gain,
            "journal": str(journal.file),
            "tuned": None,
        }
        if not found.records:
            return document
        whole = tuning.measurer.whole(lambda best: network.build(found.choices if best else {}))
    document["whole"] = whole.to_dict()
    if whole.holds:
        tuned_choices.write(file, machine, {**before, **found.records})
        document["tuned"] = str(file)
    return document


def describe(state: State) -> str:
    """A line of progress: a workload, its best and gain, the network's gain, the time left."""
    minutes, seconds = divmod(round(state.seconds_left), 60)
    return (
        f"round {state.round}, {minutes}:{seconds:02d} left, network {-state.gain:+.1%} | "
        f"{state.workload}: {state.best} {-state.workload_gain:+.1%}"
    )


@contextmanager
def _open_measurer(
    machine: Target, device: str | None, progress: Progress
) -> Iterator[tuple[str, OpenMeasurer]]:
    """What opens the place that is asked for, and its name."""
    if machine.runs_here:
        if device:
            raise InputError(f"--device {device}: the target host is tuned on this machine")
        from bench.tuning.host_measurer import ThisMachineMeasurer

        yield (
            "this machine",
            lambda default, running: ThisMachineMeasurer(default, running, progress),
        )
    elif device in (None, EMULATED):
        if machine.threads > 1:
            raise InputError("an emulated phone is tuned for one thread: its cost knows no others")
        from bench.tuning.emulated_measurer import EmulatedMeasurer

        yield EMULATED, lambda default, running: EmulatedMeasurer(default, running, progress)
    else:
        from android_rpc.devices.factory import open_device_pool
        from bench.tuning.device_measurer import DeviceMeasurer

        pool = open_device_pool([device], threads=machine.threads, progress=progress)
        names = pool.names()
        where = device if pool.shared else ", ".join(names)
        yield (
            where,
            lambda default, running: DeviceMeasurer(default, running, progress, pool, where),
        )
