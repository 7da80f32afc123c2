"""Time an artefact on a device, after checking that it computes what the model says."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from statistics import median
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from bench.accuracy.device_accuracy import score_on_device
from bench.measure.agreement import agrees, compare, seeded_inputs, worse
from bench.measure.connection import OpenSession, connect
from bench.measure.device_telemetry import TimedClocks, device_state
from bench.measure.measurement import Measurement
from bench.measure.request import MeasurementRequest
from bench.measure.sampling_plan import take_session
from bench.profiling.kernel_profile import profile_of
from bench.profiling.measured_peak import arithmetic_of, peak_on
from bench.records.crash_recovery import KILLED
from bench.records.record import Record
from bench.runtimes.onnxruntime_cpu import OnnxRuntimeCpu
from bench.runtimes.tvm_rpc import TvmRpc
from bench.sustained.back_to_back import Run
from bench.sustained.sustained import Sustained
from depthbench import cancellation
from depthbench.progress import Progress

if TYPE_CHECKING:
    from android_rpc.devices.device import Device
    from android_rpc.session import Session

PROFILED, PROFILED_EMULATED = 20, 3

Connect = Callable[["Device", float], AbstractContextManager[OpenSession]]


def measure_on_device(
    request: MeasurementRequest,
    *,
    progress: Progress = lambda line: None,
    on_sample: Callable[[float], None] = lambda ms: None,
    keep: Callable[[Record], None] = lambda record: None,
    so_far: Callable[[Record], None] = lambda record: None,
    connect: Connect = connect,
) -> Record:
    """Run an artefact on a device, compare its outputs with ONNX Runtime's, time it.

    In every session the artefact is loaded anew, run on a seeded input and compared, and timed on
    that same input unless it disagrees. A sustained run has a session of its own after these.
    `on_sample` is told each sample, in milliseconds.

    Returns the record (times in ms). `keep` gets it too, and that is the way to keep what there
    is when the measurement ends early: by Ctrl-C, or by a device that is lost, the samples
    taken before are kept in a record that is marked invalid, and the exception goes on. For an end
    at which nothing can be done any more, `so_far` gets such a record after each few samples.

    Raises InputError where the artefact was compiled from another file, and what the device
    raises where it cannot be reached.
    """
    request.check_source()
    device = request.device
    inputs = seeded_inputs(request.artefact.manifest["inputs"])
    progress("running the model on ONNX Runtime, for reference")
    with OnnxRuntimeCpu(request.model_onnx) as reference:
        expected = reference.run(inputs)
    found = Measurement(request)
    try:
        progress(f"starting {device.name}")
        with connect(device, request.limit_s) as open_session:
            _take_sessions(found, open_session, inputs, expected, progress, on_sample, so_far)
            if request.sustained_s and agrees(found.agreement):
                _sustain(found, open_session, inputs, expected, progress, so_far)
    except BaseException as error:
        if found.started:
            keep(found.finished(stopped=_what_stopped(error)))
        raise
    record = found.finished()
    keep(record)
    return record


def _take_sessions(
    found: Measurement,
    open_session: OpenSession,
    inputs: Mapping[str, NDArray],
    expected: Mapping[str, NDArray],
    progress: Progress,
    on_sample: Callable[[float], None],
    so_far: Callable[[Record], None],
) -> None:
    """Take all sessions; stop before timing where the outputs disagree."""
    request = found.request
    artefact, device = request.artefact, request.device
    number = 0
    while number < found.plan.sessions:  # of an emulator there are fewer, and its server may say so
        cancellation.check()
        number += 1
        where = f"{device.name}, session {number} of {found.plan.sessions}"
        progress(f"{where}: loading {artefact.manifest['name']}")
        with open_session() as session, TvmRpc(artefact, session) as runtime:
            if not _agrees(found, session, runtime, inputs, expected, where, progress):
                return
            progress(f"{where}: timing")
            found.sessions_ms.append([])
            clocks = TimedClocks(session, [] if found.emulated else found.before.get("cores", []))

            def keep_so_far(clocks: TimedClocks = clocks) -> None:
                clocks.sample()
                so_far(found.record(stopped=KILLED))

            take_session(
                runtime,
                found.plan,
                found.sessions_ms[-1],
                on_sample,
                on_chunk=keep_so_far,
            )
            timed = {"timed_clocks_mhz": clocks.mhz()}
            found.after.append({**_conditions(found, session), **timed})
            if request.profile and number == found.plan.sessions:
                progress(f"{where}: timing operators")
                found.profile = _profile(found, session, runtime)
            if request.accuracy and number == found.plan.sessions:
                found.scores = score_on_device(
                    request.accuracy, request.model_onnx, runtime, request.tolerance, progress
                )


def _agrees(
    found: Measurement,
    session: Session,
    runtime: TvmRpc,
    inputs: Mapping[str, NDArray],
    expected: Mapping[str, NDArray],
    where: str,
    progress: Progress,
) -> bool:
    """Note what a new session is with, and whether its outputs agree with the reference's."""
    found.ask_server(session)
    found.before = found.before or _conditions(found, session)
    found.runtime = runtime.describe()
    progress(f"{where}: comparing with ONNX Runtime")
    tolerance = found.request.tolerance
    agreement = compare(expected, runtime.run(inputs), "onnxruntime", tolerance)
    found.agreement = worse(found.agreement, agreement)
    return agrees(found.agreement)


def _sustain(
    found: Measurement,
    open_session: OpenSession,
    inputs: Mapping[str, NDArray],
    expected: Mapping[str, NDArray],
    progress: Progress,
    so_far: Callable[[Record], None],
) -> None:
    """Run inferences back to back in a session of their own, which begins on a cool device."""
    artefact, device = found.request.artefact, found.request.device
    where = f"{device.name}, sustained"
    progress(f"{where}: loading {artefact.manifest['name']}")
    with open_session() as session, TvmRpc(artefact, session) as runtime:
        if _agrees(found, session, runtime, inputs, expected, where, progress):
            found.sustained = Sustained(Run(found.request.sustained_s or 0.0), device)
            found.sustained.take(
                session,
                runtime.times,
                reads_session=not found.emulated,
                progress=lambda line: progress(f"{where}: {line}"),
                on_stretch=lambda: so_far(found.record(stopped=KILLED)),
            )


def _profile(found: Measurement, session: Session, runtime: TvmRpc) -> dict[str, Any]:
    manifest, emulated = found.request.artefact.manifest, found.kind == "emulated cost"
    calls = runtime.call_times(PROFILED_EMULATED if emulated else PROFILED)
    peak = peak_on(
        session,
        manifest["target"]["name"],
        arithmetic_of(manifest["precision"]),
        threads=found.before.get("threads", manifest["threads"]),
        emulated=emulated,
    )
    return profile_of(manifest["kernels"], calls, median(found.sessions_ms[-1]), peak)


def _conditions(found: Measurement, session: Session) -> dict[str, Any]:
    """Those of the device; an emulator's server shows files of the machine that emulates."""
    told = {} if found.emulated else device_state(session)
    return {**found.request.device.conditions(), **told, "emulated": found.emulated}


def _what_stopped(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    return f"stopped by an error: {' '.join(str(error).split()) or type(error).__name__}"
