"""One model on several runtimes of a device."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from android_rpc.deployment.device_lock import lock_device
from android_rpc.server_identity import ServerIdentity
from bench.compile_service import compile_for
from bench.cost.cost_comparison import TARGET, compare_costs
from bench.cost.cost_rows import reference_outputs
from bench.measure.agreement import compare as compare_outputs
from bench.measure.comparison import REFERENCE, precision_of, time_agreed
from bench.measure.connection import connect
from bench.measure.device_telemetry import TimedClocks
from bench.measure.interleaving import ROUNDS, WARM_UPS
from bench.measure.measurement import UNKNOWN, kind_of, label_of
from bench.measure.runtime_comparison import compared, input_image
from bench.measure.sampling_plan import EMULATED, Sampling
from bench.measure.validity import Kind, judge
from bench.model_card import NOTHING, Asked, open_model
from bench.models import Model
from bench.peers.deployed import deployed
from bench.peers.device_runtime import DeviceRuntime
from bench.peers.device_tree import device_python
from bench.peers.peer import (
    OURS,
    Setting,
    check_precision,
    choose,
    converted,
    tolerance_of,
)
from bench.peers.rows import Rows, check
from bench.records.provenance import git_state, tool_versions
from bench.runtimes.process_runtime import ANSWER_S
from depthbench import cancellation
from depthbench.errors import InputError
from depthbench.progress import Progress
from depthnet.card.port import Port

if TYPE_CHECKING:
    from android_rpc.devices.native_device import NativeDevice
    from android_rpc.transport import Transport

SCHEMA = "depthbench.device_comparison/1"
SESSION_LIMIT_S = 600.0
TIMER = (
    "one inference by the device's clock, around the call in a Python process of its own, for "
    "depthbench's code as for its peers; each after runs that do not count, for 0.1 s at least"
)


def compare_on_device(
    what: str,
    out: Path,
    device: str,
    *,
    asked: Asked = NOTHING,
    runtimes: str = "all",
    rounds: int | None = None,
    threads: int = 1,
    cores: Sequence[int] | None = None,
    limit_s: float = ANSWER_S,
    progress: Progress = lambda line: None,
    announce: Callable[[str], None] = lambda line: None,
) -> dict[str, Any]:
    """Compare the runtimes that `runtimes` names on the model `what`, on the `device`.

    Each has a row in the model's precision and, for an fp32 model, one in fp16 if it has that. The
    outputs are checked against ONNX Runtime's on this machine, then all take turns on the same
    `cores`, in random order. The document holds what `compare_runtimes` tells, the device's
    conditions before and after, whether each row is `valid`, and the rows in another precision
    than the model's that were `left_out`, since they compute something else. On the emulated phone
    instructions are counted instead, as `compare_costs` does. `announce` is told what is about to
    be pushed to the device, and how much it is.

    Raises what `compare_runtimes` does, and DeviceError when the device is lost or has no room.
    """
    from android_rpc.devices.factory import find_kind, open_device
    from android_rpc.devices.native_device import NativeDevice

    if find_kind(device).emulated:
        if rounds is not None or threads != 1 or cores:
            raise InputError(
                "on the emulated phone one inference is counted, on one thread",
                advice="leave --rounds, --threads and --cores out",
            )
        return compare_costs(what, out, asked=asked, runtimes=runtimes, progress=progress)
    names = choose(runtimes)
    opened = open_device(device, threads, progress, cores)
    if not isinstance(opened, NativeDevice):
        raise InputError(
            f"{device}: runtimes are compared on devices that this machine reaches itself"
        )
    model = open_model(what, out, asked, progress=progress)
    if len(model.inputs) != 1:
        raise InputError(f"{model.file}: runtimes are compared there on models of one input")
    request = ComparisonRequest(
        opened,
        model,
        input_image(model, asked),
        rounds or (EMULATED.samples if opened.emulated else ROUNDS),
        threads,
        limit_s,
        progress,
        announce,
    )
    rows = Rows(model, named=runtimes != "all")
    precision, tolerance = precision_of(model)
    with tempfile.TemporaryDirectory(prefix="depthbench-") as scratch:
        prepared = _prepare(request, rows, names, precision, out, Path(scratch))
        found = _compare(request, rows, prepared, tolerance)
    return {
        "schema": SCHEMA,
        **found,
        "reference": REFERENCE,
        "precision": precision,
        **rows.document(),
        **compared(model),
        "git": git_state(),
        "tools": tool_versions(),
    }


@dataclass(frozen=True)
class ComparisonRequest:
    """What is compared on which device, and for how long."""

    device: NativeDevice
    model: Model
    inputs: Mapping[str, NDArray]
    rounds: int
    threads: int
    limit_s: float
    progress: Progress
    announce: Callable[[str], None]


def _prepare(
    request: ComparisonRequest,
    rows: Rows,
    names: Sequence[str],
    precision: str,
    out: Path,
    scratch: Path,
) -> dict[Setting, Path]:
    """The model in the format of each setting, made before the device is taken."""
    prepared = {}
    for setting in rows.settings(names, precision):
        request.progress(f"preparing {request.model.name} for {setting.name}")
        with rows.trying(setting):
            if setting.runtime == OURS:
                prepared[setting] = compile_for(
                    str(request.model.path),
                    TARGET,
                    out,
                    precision=setting.precision,
                    threads=request.threads,
                    progress=request.progress,
                ).library
            else:
                check_precision(setting)
                folder = scratch / setting.name
                folder.mkdir()
                prepared[setting] = converted(
                    setting.runtime, request.model, folder, request.progress
                )
    return prepared


def _compare(
    request: ComparisonRequest, rows: Rows, prepared: Mapping[Setting, Path], tolerance: float
) -> dict[str, Any]:
    """Everything that is done on the device, which is as it was afterwards."""
    device, progress = request.device, request.progress
    server = _identity(request)
    emulated = device.emulated or server.emulated
    kind = kind_of(emulated)
    name, first = next(iter(reference_outputs(request.model, request.inputs).items()))
    python = device_python({setting.runtime for setting in prepared}, progress)
    runtimes: dict[str, DeviceRuntime] = {}
    agreements: dict[str, dict[str, Any]] = {}
    with ExitStack() as stack, device.transport.kept(device.properties["model"]):
        lock = stack.enter_context(lock_device(device.transport, progress))
        place = stack.enter_context(deployed(lock, python, request.announce, progress))
        device.record(stack, place.work)
        for setting, file in prepared.items():
            cancellation.check()
            progress(f"{device.name}: comparing outputs: {setting.name}")
            with rows.trying(setting):
                model = place.push(setting, file)
                command = place.command(setting, model, request.threads, device.cores)
                port = Port(name, first.shape, str(first.dtype))
                runtime = stack.enter_context(
                    DeviceRuntime(setting, command, port, request.threads, answer_s=request.limit_s)
                )
                agreement = compare_outputs(
                    {name: first},
                    runtime.run(request.inputs),
                    REFERENCE,
                    tolerance_of(setting, tolerance),
                )
                check(setting, agreement)
                runtimes[setting.name], agreements[setting.name] = runtime, agreement
        device.prepare()
        before = device.conditions()
        warm_ups = EMULATED.warmup if emulated else WARM_UPS
        clocks = TimedClocks(_Files(device.transport), [] if emulated else device.cores)

        def timing(line: str) -> None:
            clocks.sample()
            progress(f"{device.name}: {line}")

        found = time_agreed(
            runtimes,
            agreements,
            request.inputs,
            request.rounds,
            request.threads,
            rows.lost,
            timing,
            warm_ups,
        )
        after = {**device.conditions(), "timed_clocks_mhz": clocks.mhz()}
    for row in found["runtimes"].values():
        asked = Sampling(warm_ups, request.rounds, 0.0, 1)
        row |= _verdict(kind, asked, row, before, after)
    return {
        "label": label_of(kind, server),
        "device": {"name": device.name, "emulated": emulated},
        **found,
        "conditions": {
            "timer": TIMER,
            "server": server.as_json(),
            "before": before,
            "after": after,
        },
    }


def _identity(request: ComparisonRequest) -> ServerIdentity:
    """What the device's server says it is: whether it runs under an emulator, among others."""
    request.progress(f"starting {request.device.name}")
    with connect(request.device, SESSION_LIMIT_S) as open_session, open_session() as session:
        return session.identity()


def _verdict(
    kind: Kind,
    asked: Sampling,
    row: Mapping[str, Any],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> dict[str, Any]:
    """Whether a row may be believed: with so few samples in one session, as `--quick` is."""
    verdict = judge(
        kind,
        [row["samples"]["wall_ms"]],
        asked,
        row["agreement"],
        before=before,
        after={**after, "cores": row["cores"]},
        timed=[after["timed_clocks_mhz"]],
        target=TARGET,
        quick=True,
    )
    reasons = [*verdict.reasons, *([UNKNOWN] if kind == "unknown time" else [])]
    return {"valid": not reasons, "reasons": reasons}


class _Files:
    """The files of a device, by what reaches it."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def read_file(self, path: str) -> str:
        """The text of a file; raises DeviceError where it cannot be read."""
        return self._transport.shell(f"cat {path}")
