"""Measuring kernels and networks on devices over TVM RPC, for tuning."""

from __future__ import annotations

import tempfile
import threading
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, TypeVar

from bench.measure.agreement import seeded_inputs
from bench.measure.connection import connect
from bench.measure.device_loan import with_retries
from bench.stats.ratio_ci import paired_ratio
from bench.tuning.measurer import Build, NetworkGain
from depthbench import cancellation
from depthbench.errors import DeviceError
from depthbench.progress import Progress

if TYPE_CHECKING:
    from android_rpc.devices.device import Device
    from android_rpc.devices.device_pool import DevicePool
    from android_rpc.session import Session
    from compile.tuning.network import Trial
    from compile.tuning.running import Running

# Calls of each kernel a round, in two turns; and inferences of each network at the end.
CALLS = 12
INFERENCES = 40
SESSION_LIMIT_S = 600.0
# More than the caches of a phone hold.
FLUSH_BYTES = 8 << 20
# What stands behind the unit of a time that is no device's.
ORIGINS = {False: "", True: ", emulated", None: ", unknown whether emulated"}

T = TypeVar("T")


class DeviceMeasurer:
    """Kernels one by one, by the device's clock, in turns with those of the default schedules.

    A virtual machine on a device cannot be watched from here, so that each kernel runs alone, on
    caches that hold nothing of it. The device gets ready, a phone cools down, before each round.
    Of several devices each takes a trial; what is compared is compared on one of them.
    """

    exact = False

    def __init__(
        self,
        default: Trial,
        running: Running,
        progress: Progress,
        pool: DevicePool,
        name: str,
    ) -> None:
        self._default = default
        self._ports = running.ports
        self._progress = progress
        self._pool = pool
        self._building = threading.Lock()
        self._name = name
        self._note_origin("")

    @property
    def places(self) -> int:
        """The devices that are there now, at least one: a phone may be on its way back."""
        try:
            return len(self._pool.names())
        except DeviceError:
            return 1

    def costs(self, trial: Trial, running: Running) -> Mapping[str, tuple[float, float]]:
        """Median times, of all calls of a workload."""
        return self._on_a_device(
            _write_kernels,
            (trial, self._default),
            lambda *place: self._time_kernels(trial, *place),
        )

    def _time_kernels(
        self, trial: Trial, session: Session, libraries: list[Path], device: str
    ) -> Mapping[str, tuple[float, float]]:
        found: defaultdict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        both = trial, self._default
        kernels = [session.load_kernels(library) for library in libraries]
        for name, workload in trial.kernels.items():
            cancellation.check()
            if workload not in trial.choices.tuned or name not in self._default.kernels:
                continue
            self._progress(f"{device}: timing {name}")
            samples: tuple[list[float], list[float]] = ([], [])
            for place in (0, 1, 1, 0):
                tensors = both[place].tensors(name)
                samples[place].extend(
                    kernels[place].samples(name, tensors, CALLS // 2, FLUSH_BYTES)
                )
            for place in (0, 1):
                found[workload][place] += 1e9 * trial.calls[name] * median(samples[place])
        return {workload: (ours, theirs) for workload, (ours, theirs) in found.items()}

    def whole(self, build: Build) -> NetworkGain:
        """Inferences in turns; the ratio of medians, and its 95 % interval."""
        self._progress("comparing whole networks, tuned and not")
        both = build(True), build(False)
        return self._on_a_device(self._write_model, both, self._time_models)

    def _time_models(self, session: Session, libraries: list[Path], device: str) -> NetworkGain:
        inputs = seeded_inputs(self._ports)
        times: tuple[list[float], list[float]] = ([], [])
        models = [session.load(library) for library in libraries]
        for model in models:
            model.run(inputs)
        for turn in range(INFERENCES):
            cancellation.check()
            for place in (0, 1) if turn % 2 else (1, 0):
                times[place].extend(1e3 * seconds for seconds in models[place].samples(1))
        ours, theirs = times
        found = paired_ratio(ours, theirs)
        return NetworkGain(
            **found,
            tuned=median(ours),
            default=median(theirs),
            unit=f"ms{self._origin}, {device}",
        )

    def _write_model(self, trial: Trial, library: Path) -> None:
        from compile.lowering.build import write_library

        write_library(trial.compiled.executable, library)

    def _note_origin(self, origin: str) -> None:
        self._origin = origin
        self.objective = f"nanoseconds of the kernel, cold caches{origin}, {self._name}"

    def _wait(self) -> None:
        cancellation.check()
        self._progress("waiting for a device")

    def _on_a_device(
        self,
        write: Callable[[Trial, Path], None],
        trials: Sequence[Trial],
        use: Callable[[Session, list[Path], str], T],
    ) -> T:
        """What `use` finds in a session with a device that is free, and a library of each trial.

        A device that is lost meanwhile has its work done again, by itself or another.
        """
        with tempfile.TemporaryDirectory(prefix="depthbench-tune-") as scratch:
            libraries = [Path(scratch) / f"{number}.so" for number in range(len(trials))]
            with self._building:
                for trial, library in zip(trials, libraries, strict=True):
                    write(trial, library)

            def in_a_session(device: Device) -> T:
                with connect(device, SESSION_LIMIT_S) as open_session, open_session() as session:
                    self._note_origin(ORIGINS[device.emulated or session.identity().emulated])
                    return use(session, libraries, device.name)

            return with_retries(
                self._pool, in_a_session, while_waiting=self._wait, progress=self._progress
            )


def _write_kernels(trial: Trial, library: Path) -> None:
    trial.write_kernels(library)
