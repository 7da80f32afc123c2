"""Tune on a device that is reached over TVM RPC, such as a phone on a cable."""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING

from bench.agreement import seeded_inputs
from bench.connection import OpenSession
from bench.ratio import ratio_of_medians
from bench.tuning.place import Build, Progress, Whole

if TYPE_CHECKING:
    from android_rpc.session import Session
    from compile.tuning.network import Trial
    from compile.tuning.running import Running

# Calls of each kernel a round, in two turns; and inferences of each network at the end.
CALLS = 12
INFERENCES = 40
# More than the caches of a phone hold.
FLUSH_BYTES = 8 << 20


class OnDevice:
    """Kernels one by one, by the device's clock, in turns with those of the formulas.

    A virtual machine on a device cannot be watched from here, so that each kernel runs alone, on
    caches that hold nothing of it. The device gets ready, a phone cools down, before each round.
    """

    exact = False

    def __init__(
        self,
        formula: Trial,
        running: Running,
        progress: Progress,
        open_session: OpenSession,
        name: str,
    ) -> None:
        self._formula = formula
        self._ports = running.ports
        self._progress = progress
        self._open_session = open_session
        self.objective = f"nanoseconds of the kernel, cold caches, {name}"

    def costs(self, trial: Trial, running: Running) -> Mapping[str, tuple[float, float]]:
        """Median times, of all calls of a workload."""
        found: defaultdict[str, list[float]] = defaultdict(lambda: [0.0, 0.0])
        both = trial, self._formula
        with self._session(_write_kernels, both) as (session, libraries):
            kernels = [session.load_kernels(library) for library in libraries]
            for name, workload in trial.kernels.items():
                if workload not in trial.choices.tuned or name not in self._formula.kernels:
                    continue
                samples: tuple[list[float], list[float]] = ([], [])
                for place in (0, 1, 1, 0):
                    tensors = both[place].tensors(name)
                    samples[place].extend(
                        kernels[place].samples(name, tensors, CALLS // 2, FLUSH_BYTES)
                    )
                for place in (0, 1):
                    found[workload][place] += 1e9 * trial.calls[name] * median(samples[place])
        return {workload: (ours, theirs) for workload, (ours, theirs) in found.items()}

    def whole(self, build: Build) -> Whole:
        """Inferences in turns; the ratio of medians, and its 95 % interval."""
        self._progress("comparing whole networks, tuned and not")
        inputs = seeded_inputs(self._ports)
        times: tuple[list[float], list[float]] = ([], [])
        both = build(True), build(False)
        with self._session(self._write_model, both) as (session, libraries):
            models = [session.load(library) for library in libraries]
            for model in models:
                model.run(inputs)
            for turn in range(INFERENCES):
                for place in (0, 1) if turn % 2 else (1, 0):
                    times[place].extend(1e3 * seconds for seconds in models[place].samples(1))
        ours, theirs = times
        found = ratio_of_medians(ours, theirs)
        return Whole(**found, tuned=median(ours), formula=median(theirs), unit="ms")

    def _write_model(self, trial: Trial, library: Path) -> None:
        from compile.build import write_library

        write_library(trial.compiled.executable, library)

    @contextmanager
    def _session(
        self, write: Callable[[Trial, Path], None], trials: Sequence[Trial]
    ) -> Iterator[tuple[Session, list[Path]]]:
        """A session with the device, and a library of each trial."""
        with tempfile.TemporaryDirectory(prefix="depthbench-tune-") as scratch:
            libraries = [Path(scratch) / f"{number}.so" for number in range(len(trials))]
            for trial, library in zip(trials, libraries, strict=True):
                write(trial, library)
            with self._open_session() as session:
                yield session, libraries


def _write_kernels(trial: Trial, library: Path) -> None:
    trial.write_kernels(library)
