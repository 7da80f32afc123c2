"""Time an artefact on a device, after checking that it computes what the model says."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from numpy.typing import NDArray

from bench.accuracy.device_accuracy import Accuracy, score_on_device
from bench.measure.agreement import SEED, agrees, compare, seeded_inputs, worse
from bench.measure.connection import OpenSession, connect
from bench.measure.device_telemetry import device_state
from bench.measure.sampling_plan import EMULATED, FULL, QUICK, Sampling, take_session
from bench.measure.validity import RULES, Kind, judge
from bench.profiling.kernel_profile import profile_of
from bench.profiling.measured_peak import arithmetic_of, peak_on
from bench.records.crash_recovery import KILLED
from bench.records.record import Record, new_record
from bench.records.sample_stats import doubts_of, statistics_of
from bench.runtimes.onnxruntime_cpu import OnnxRuntimeCpu
from bench.runtimes.tvm_rpc import TvmRpc
from depthbench import cancellation
from depthbench.errors import InputError
from depthbench.progress import Progress

if TYPE_CHECKING:
    from android_rpc.devices.device import Device
    from android_rpc.session import Session
    from compile.artefact import Artefact

LABELS: dict[Kind, str] = {"latency": "latency", "emulated cost": "emulated cost, not latency"}
INPUT = f"uniform in [0, 1), seed {SEED}"
TIMER = "one inference by the device's clock (TVM's time evaluator), transfers not included"
SESSION_LIMIT_S = 3600.0
PROFILED, PROFILED_EMULATED = 20, 3

Connect = Callable[["Device", float], AbstractContextManager[OpenSession]]


def measure_on_device(
    artefact: Artefact,
    model_onnx: Path,
    device: Device,
    *,
    warmup: int | None = None,
    samples: int | None = None,
    seconds: float | None = None,
    sessions: int | None = None,
    session_limit_s: float = SESSION_LIMIT_S,
    quick: bool | None = None,
    accuracy: Accuracy | None = None,
    profile: bool = False,
    progress: Progress = lambda line: None,
    on_sample: Callable[[float], None] = lambda ms: None,
    keep: Callable[[Record], None] = lambda record: None,
    so_far: Callable[[Record], None] = lambda record: None,
    connect: Connect = connect,
) -> Record:
    """Run `artefact` on `device`, compare its outputs with ONNX Runtime's, time it.

    `model_onnx` is the file that the artefact was compiled from. In every session the artefact
    is loaded anew, run on a seeded input and compared, and timed on that same input unless it
    disagrees. How much is timed is given by `warmup`, `samples`, `seconds` and `sessions`;
    what is None comes from `sampling_for`. A session that takes longer than `session_limit_s` is
    ended. `on_sample` is told each sample, in milliseconds. At the end of the last session the
    operators are timed too with `profile`, and with `accuracy` the images are predicted.

    Returns the record (times in ms). `keep` gets it too, and that is the way to keep what there
    is when the measurement ends early: by Ctrl-C, or by a device that is lost, the samples
    taken before are kept in a record that is marked invalid, and the exception goes on. For an end
    at which nothing can be done any more, `so_far` gets such a record after each few samples.

    Raises InputError where the artefact was compiled from another file, and what the device
    raises where it cannot be reached.
    """
    _check_source(artefact, model_onnx)
    measurement = _Measurement(
        artefact=artefact,
        device=device,
        asked=sampling_for(device.emulated, bool(quick)).but(
            warmup=warmup, samples=samples, seconds=seconds, sessions=sessions
        ),
        quick=bool(quick),
        model_onnx=model_onnx,
        to_score=accuracy,
        profiled=profile,
    )
    inputs = seeded_inputs(artefact.manifest["inputs"])
    progress("running the model on ONNX Runtime, for reference")
    with OnnxRuntimeCpu(model_onnx) as reference:
        expected = reference.run(inputs)
    try:
        progress(f"starting {device.name}")
        with connect(device, session_limit_s) as open_session:
            measurement.take(open_session, inputs, expected, progress, on_sample, so_far)
    except BaseException as error:
        if measurement.started:
            keep(measurement.finished(stopped=_what_stopped(error)))
        raise
    record = measurement.finished()
    keep(record)
    return record


def sampling_for(emulated: bool, quick: bool = False) -> Sampling:
    """How much is measured by default: on a device what makes a latency valid, unless `quick`;
    on an emulated one little, since its figures are no latency and take seconds each.
    """
    return EMULATED if emulated else QUICK if quick else FULL


@dataclass
class _Measurement:
    """What is known of a measurement so far, so that it can be recorded at any time."""

    artefact: Artefact
    device: Device
    asked: Sampling
    quick: bool
    model_onnx: Path
    profiled: bool = False
    to_score: Accuracy | None = None
    scores: dict[str, Any] = field(default_factory=dict)
    sessions_ms: list[list[float]] = field(default_factory=list)
    agreement: dict[str, Any] = field(default_factory=dict)
    runtime: dict[str, Any] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)
    after: list[dict[str, Any]] = field(default_factory=list)  # each session
    profile: dict[str, Any] = field(default_factory=dict)

    @property
    def kind(self) -> Kind:
        return "emulated cost" if self.device.emulated else "latency"

    @property
    def tolerance(self) -> float:
        """What the artefact's precision was checked against when it was compiled."""
        return float(self.artefact.manifest.get("check", {}).get("tolerance", RULES.difference))

    @property
    def started(self) -> bool:
        return any(self.sessions_ms)

    def take(
        self,
        open_session: OpenSession,
        inputs: Mapping[str, NDArray],
        expected: Mapping[str, NDArray],
        progress: Progress,
        on_sample: Callable[[float], None],
        so_far: Callable[[Record], None],
    ) -> None:
        """Take all sessions; stop before timing where the outputs disagree."""
        for number in range(1, self.asked.sessions + 1):
            cancellation.check()
            where = f"{self.device.name}, session {number} of {self.asked.sessions}"
            progress(f"{where}: loading {self.artefact.manifest['name']}")
            with open_session() as session, TvmRpc(self.artefact, session) as runtime:
                self.before = self.before or self._conditions(session)
                self.runtime = runtime.describe()
                progress(f"{where}: comparing with ONNX Runtime")
                agreement = compare(expected, runtime.run(inputs), "onnxruntime", self.tolerance)
                self.agreement = worse(self.agreement, agreement)
                if not agrees(self.agreement):
                    break
                progress(f"{where}: timing")
                self.sessions_ms.append([])
                take_session(
                    runtime,
                    self.asked,
                    self.sessions_ms[-1],
                    on_sample,
                    on_chunk=lambda: so_far(self.record(stopped=KILLED)),
                )
                self.after.append(self._conditions(session))
                if self.profiled and number == self.asked.sessions:
                    progress(f"{where}: timing operators")
                    self.profile = self._profile(session, runtime)
                if self.to_score and number == self.asked.sessions:
                    self.scores = score_on_device(
                        self.to_score, self.model_onnx, runtime, self.tolerance, progress
                    )

    def _profile(self, session: Session, runtime: TvmRpc) -> dict[str, Any]:
        manifest, emulated = self.artefact.manifest, self.device.emulated
        calls = runtime.call_times(PROFILED_EMULATED if emulated else PROFILED)
        peak = peak_on(
            session,
            manifest["target"]["name"],
            arithmetic_of(manifest["precision"]),
            threads=self.before.get("threads", manifest["threads"]),
            emulated=emulated,
        )
        return profile_of(manifest["kernels"], calls, median(self.sessions_ms[-1]), peak)

    def _conditions(self, session: Session) -> dict[str, Any]:
        state = {} if self.device.emulated else device_state(session)
        return {**self.device.conditions(), **state}

    def finished(self, stopped: str = "") -> Record:
        """The record, with what takes too long to be found between samples."""
        return {**self.record(stopped), **doubts_of(self.sessions_ms)}

    def record(self, stopped: str = "") -> Record:
        """The record of what was measured, with the verdict on it."""
        manifest = self.artefact.manifest
        verdict = judge(
            self.kind,
            self.sessions_ms,
            self.asked,
            self.agreement,
            before=self.before,
            after=_hottest(self.after),
            quick=self.quick,
            stopped=stopped,
        )
        reasons = [*verdict.reasons, *self._doubts_of_scores()]
        sessions = [[_json_number(ms) for ms in session] for session in self.sessions_ms]
        fields = {
            "model": manifest["name"],
            "model_sha256": manifest["source"]["sha256"],
            "artefact_sha256": self.artefact.sha256,
            "artefact_bytes": self.artefact.library.stat().st_size,
            "memory": manifest.get("memory"),
            "target": manifest["target"]["name"],
            "device": {"name": self.device.name, "emulated": self.device.emulated},
            "emulated": self.device.emulated,
            "label": LABELS[self.kind],
            **statistics_of(self.sessions_ms),
            "samples_ms": [ms for session in sessions for ms in session],
            "sessions": sessions,
            "valid": not reasons,
            "reasons": reasons,
            "quick": not self.asked.covers(RULES.sampling),
            "agreement": self.agreement,
            **({"accuracy": self.scores} if self.scores else {}),
            "conditions": {
                "sampling": asdict(self.asked),
                "warmup": self.asked.warmup,
                "input": INPUT,
                "timer": TIMER,
                "precision": self.runtime.get("precision"),
                # The device's server decides; a device served elsewhere does not tell.
                "threads": self.before.get("threads", self.runtime.get("threads")),
                "before": self.before,
                "after": self.after[-1] if self.after else {},
            },
        }
        if self.profile:
            fields["profile"] = self.profile
        return new_record(self.kind, fields)

    def _doubts_of_scores(self) -> list[str]:
        if not self.scores or agrees(self.scores["agreement"]):
            return []
        difference = self.scores["agreement"]["max_relative_difference"]
        found = "unknown" if difference is None else f"{difference:.1e}"
        return [
            f"the largest difference from {self.scores['agreement']['against']} over "
            f"{self.scores['images']} images is {found} relative (limit {self.tolerance:.0e})"
        ]


def _hottest(looks: list[dict[str, Any]]) -> dict[str, Any]:
    """The last look, with the highest temperature of all: the phone cools between sessions."""
    known = [look["battery_c"] for look in looks if look.get("battery_c") is not None]
    return {**looks[-1], "battery_c": max(known, default=None)} if looks else {}


def _check_source(artefact: Artefact, model_onnx: Path) -> None:
    if not model_onnx.is_file():
        raise InputError(f"no such file: {model_onnx}: give the ONNX model that was compiled")
    with model_onnx.open("rb") as file:
        actual = hashlib.file_digest(file, "sha256").hexdigest()
    if actual != artefact.manifest["source"]["sha256"]:
        raise InputError(
            f"{artefact.folder} was compiled from another file than {model_onnx}: compile it again"
        )


def _what_stopped(error: BaseException) -> str:
    if isinstance(error, KeyboardInterrupt):
        return "interrupted"
    return f"stopped by an error: {' '.join(str(error).split()) or type(error).__name__}"


def _json_number(value: float) -> float | None:
    return value if math.isfinite(value) else None
