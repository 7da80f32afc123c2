"""What is to be measured on a device, and how much of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.accuracy.device_accuracy import Accuracy
from bench.measure.sampling_plan import EMULATED, FULL, QUICK, Sampling
from bench.measure.validity import RULES
from bench.models import Model, check_source, load_model, shapes_given

if TYPE_CHECKING:
    from android_rpc.devices.device import Device
    from compile.artefact import Artefact

SESSION_LIMIT_S = 3600.0


@dataclass(frozen=True)
class MeasurementRequest:
    """An artefact to time on a device, as `latency.measure_on_device` does.

    `model_onnx` is the file that the artefact was compiled from. `sampling` is how much is timed,
    by default `sampling_for` the device, with the `changes` that are not None. With `quick`, few
    samples are meant, and are no reason to call a latency invalid. A session that takes longer than
    `session_limit_s` seconds is ended. At the end of the last session the operators are timed too
    with `profile`, and with `accuracy` images are scored. With `sustained_s` a further session runs
    inferences back to back for so long.
    """

    artefact: Artefact
    model_onnx: Path
    device: Device
    sampling: Sampling | None = None
    changes: Mapping[str, Any] = field(default_factory=dict)
    quick: bool = False
    session_limit_s: float = SESSION_LIMIT_S
    profile: bool = False
    accuracy: Accuracy | None = None
    sustained_s: float | None = None

    def plan_for(self, emulated: bool | None) -> Sampling:
        """How much is timed on a device that is emulated or not, None where that is not known."""
        plan = self.sampling or sampling_for(bool(emulated), self.quick)
        return plan.but(**self.changes)

    @property
    def limit_s(self) -> float:
        """After how many seconds a session is ended."""
        return self.session_limit_s + (self.sustained_s or 0.0)

    @property
    def tolerance(self) -> float:
        """What the artefact's precision was checked against when it was compiled."""
        return float(self.artefact.manifest.get("check", {}).get("tolerance", RULES.difference))

    @cached_property
    def model(self) -> Model:
        """The file that the artefact was compiled from."""
        return load_model(self.model_onnx, self.artefact.manifest["name"])

    @property
    def shapes_given(self) -> dict[str, list[int]]:
        """Those of inputs that the file leaves open."""
        return shapes_given(self.artefact, self.model)

    def check_source(self) -> None:
        """Raise InputError where the artefact was compiled from another file than `model_onnx`."""
        check_source(self.artefact, self.model)


def sampling_for(emulated: bool, quick: bool = False) -> Sampling:
    """How much is measured by default: on a device what makes a latency valid, unless `quick`;
    on an emulated one little, since its figures are no latency and take seconds each.
    """
    return EMULATED if emulated else QUICK if quick else FULL
