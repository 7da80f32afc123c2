"""What is known of a measurement so far, as a record at any time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from android_rpc.server_identity import ServerIdentity
from bench.measure.agreement import SEED, agrees
from bench.measure.request import MeasurementRequest
from bench.measure.sampling_plan import Sampling
from bench.measure.validity import RULES, Kind, judge
from bench.records.record import Record, new_record
from bench.records.sample_stats import interval_fields, summary_fields
from bench.sustained.sustained import Sustained
from depthbench.plural import counted

if TYPE_CHECKING:
    from android_rpc.session import Session

LABELS: dict[Kind, str] = {
    "latency": "latency",
    "emulated cost": "emulated cost, not latency",
    "unknown time": "time, unknown whether emulated, not latency",
}
UNKNOWN = "the device's server does not say whether it is emulated; serve it with `rpc-serve`"
INPUT = f"uniform in [0, 1), seed {SEED}"
TIMER = "one inference by the device's clock (TVM's time evaluator), transfers not included"


def kind_of(emulated: bool | None) -> Kind:
    """What times are: a latency only where it is known that no emulator took them."""
    if emulated is None:
        return "unknown time"
    return "emulated cost" if emulated else "latency"


def label_of(kind: Kind, server: ServerIdentity) -> str:
    """A kind of time in words, as what the device's server says it is."""
    virtual = kind == "latency" and server.platform == "virtual machine"
    return f"{LABELS[kind]}{' of a virtual machine' if virtual else ''}"


@dataclass
class Measurement:
    """The samples of each session in milliseconds, the comparison of outputs, the conditions.

    `server` is what the device's server says it is.
    `before` and `after` are the device's conditions: those before the first session, and those at
    the end of each.
    """

    request: MeasurementRequest
    sessions_ms: list[list[float]] = field(default_factory=list)
    agreement: dict[str, Any] = field(default_factory=dict)
    runtime: dict[str, Any] = field(default_factory=dict)
    before: dict[str, Any] = field(default_factory=dict)
    after: list[dict[str, Any]] = field(default_factory=list)
    profile: dict[str, Any] = field(default_factory=dict)
    scores: dict[str, Any] = field(default_factory=dict)
    server: ServerIdentity = field(default_factory=ServerIdentity)
    sustained: Sustained | None = None

    @property
    def emulated(self) -> bool | None:
        """Whether the times are an emulator's, as device or server say; None where neither does."""
        return self.request.device.emulated or self.server.emulated

    @property
    def plan(self) -> Sampling:
        """How much is timed, by what is known of device and server so far."""
        return self.request.plan_for(self.emulated)

    @property
    def kind(self) -> Kind:
        """What the times are; see `kind_of`."""
        return kind_of(self.emulated)

    @property
    def label(self) -> str:
        """The kind in words."""
        return label_of(self.kind, self.server)

    @property
    def started(self) -> bool:
        """Whether there is a sample."""
        return any(self.sessions_ms)

    def ask_server(self, session: Session) -> None:
        """Have the server of a session say what it is; one that says something else is unknown."""
        told = session.identity()
        same = not self.sessions_ms or told.platform == self.server.platform
        self.server = told if same else ServerIdentity()

    def finished(self, stopped: str = "") -> Record:
        """The record, with the statistics that take too long to be found between samples."""
        return {**self.record(stopped), **interval_fields(self.sessions_ms)}

    def record(self, stopped: str = "") -> Record:
        """The record of what was measured, with the verdict on it; `stopped` says what ended it."""
        request, asked = self.request, self.plan
        manifest, device = request.artefact.manifest, request.device
        verdict = judge(
            self.kind,
            self.sessions_ms,
            asked,
            self.agreement,
            before=self.before,
            after=_hottest(self.after),
            timed=[one.get("timed_clocks_mhz") or {} for one in self.after],
            target=manifest["target"]["name"],
            quick=request.quick,
            stopped=stopped,
        )
        reasons = [*verdict.reasons, *self._reasons_of_scores()]
        reasons += [UNKNOWN] if self.kind == "unknown time" else []
        sessions = [[_json_number(ms) for ms in session] for session in self.sessions_ms]
        fields = {
            "source": "shell",
            "model": manifest["name"],
            "model_sha256": manifest["source"]["sha256"],
            "model_file": request.model.own_file,
            "input_shapes": request.shapes_given,
            "card": manifest.get("card"),
            "artefact_sha256": request.artefact.sha256,
            "artefact_bytes": request.artefact.library.stat().st_size,
            "memory": manifest.get("memory"),
            "target": manifest["target"]["name"],
            "device": {"name": device.name, "emulated": self.emulated},
            "emulated": self.emulated,
            "label": self.label,
            **summary_fields(self.sessions_ms),
            "samples_ms": [ms for session in sessions for ms in session],
            "sessions": sessions,
            "valid": not reasons,
            "reasons": reasons,
            "quick": not asked.covers(RULES.sampling),
            "agreement": self.agreement,
            **({"accuracy": self.scores} if self.scores else {}),
            "conditions": {
                "sampling": asdict(asked),
                "warmup": asked.warmup,
                "input": INPUT,
                "timer": TIMER,
                "precision": self.runtime.get("precision"),
                # The device's server decides; a device served elsewhere does not tell.
                "threads": self.before.get("threads", self.runtime.get("threads")),
                "server": self.server.as_json(),
                "before": self.before,
                "after": self.after[-1] if self.after else {},
            },
        }
        if self.profile:
            fields["profile"] = self.profile
        if self.sustained and self.sustained.run.stretches:
            fields["sustained"] = self.sustained.fields()
        return new_record(self.kind, fields)

    def _reasons_of_scores(self) -> list[str]:
        if not self.scores or agrees(self.scores["agreement"]):
            return []
        agreement = self.scores["agreement"]
        difference = agreement["max_relative_difference"]
        found = f"unknown ({agreement['problem']})" if difference is None else f"{difference:.1e}"
        return [
            f"the largest difference from {agreement['against']} over "
            f"{counted(self.scores['images'], 'image')} is {found} relative "
            f"(limit {self.request.tolerance:.0e})"
        ]


def _hottest(conditions: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The last, with the highest temperature of all: the phone cools between sessions."""
    known = [one["battery_c"] for one in conditions if one.get("battery_c") is not None]
    return {**conditions[-1], "battery_c": max(known, default=None)} if conditions else {}


def _json_number(value: float) -> float | None:
    return value if math.isfinite(value) else None
