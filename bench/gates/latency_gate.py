"""Has anything become slower, by the records of what was measured before?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bench.records.comparability import describe, differing, subject
from bench.records.record import Record
from bench.stats.regression import LEAST_RUNS, Regression, Run, compare_with_history

KIND = "latency"


@dataclass(frozen=True)
class Verdict:
    """On the newest record of one model, target and device.

    `regression` is None where it could not be compared; `why` then says so, in one line.
    """

    subject: str
    record: str
    time: str
    p50_ms: float | None
    regression: Regression | None = None
    why: str = ""

    @property
    def slower(self) -> bool:
        """Whether the newest run is slower than the history explains."""
        return self.regression is not None and bool(self.regression.broke)


def judge_newest(records: Sequence[Record]) -> list[Verdict]:
    """The verdict on the newest latency of each subject, against the valid ones before it.

    Emulated costs are passed over: they are no latency. Runs under other conditions are not
    compared with; where they leave too few, the verdict says which condition differs.
    """
    latencies = [record for record in records if record["kind"] == KIND]
    histories: dict[tuple[Any, ...], list[Record]] = {}
    for record in sorted(latencies, key=lambda record: str(record["time"])):
        histories.setdefault(subject(record), []).append(record)
    return [judge(past, newest) for *past, newest in histories.values()]


def judge(past: Sequence[Mapping[str, Any]], newest: Record) -> Verdict:
    """The verdict on one latency against past ones of its subject, the oldest first."""
    told = (describe(newest), str(newest["id"]), str(newest["time"]), newest["p50_ms"])
    if not newest["valid"]:
        return Verdict(*told, why=f"not compared: invalid, {'; '.join(newest['reasons'])}")
    valid = [record for record in past if record["valid"]]
    alike = [record for record in valid if not differing(newest, record)]
    if len(alike) < LEAST_RUNS:
        why = f"not compared: {len(alike)} of {LEAST_RUNS} past runs under the same conditions"
        unlike = [found for record in reversed(valid) if (found := differing(newest, record))]
        if unlike:
            why += f"; now and in the last other one, {', '.join(unlike[0])}"
        return Verdict(*told, why=why)
    runs = [Run(record["p50_ms"], record["p90_ms"]) for record in alike]
    return Verdict(
        *told, regression=compare_with_history(runs, Run(newest["p50_ms"], newest["p90_ms"]))
    )
