"""The five figures of a network that people forward."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.report.first_screen.data_sets import data_name
from bench.report.numbers import ABSENT, fixed, number, significant
from depthbench.plural import counted

Row = Mapping[str, Any]
Figure = dict[str, str]


def key_figures(row: Row) -> list[Figure]:
    """Accuracy, time, rate, size and change of a row of `bench.report.summary`.

    Each has a `name`, its `value` with a `unit`, and in `detail` what it must not be read without.
    """
    return [_accuracy(row), _time(row), _rate(row), _size(row), _change(row)]


def frames_per_second(row: Row) -> float | None:
    """Of a sustained run at its end where there was one, else what the median allows."""
    return row["sustained_fps"] or (1e3 / row["ms"] if row["ms"] else None)


def _accuracy(row: Row) -> Figure:
    score = row["score"]
    if not score:
        return _figure("δ1", ABSENT, "", "accuracy was not scored")
    where = f"{score['protocol']} protocol on {data_name(score)}"
    images = counted(score["images"], "image")
    if score["delta1_interval"]:
        low, high = (fixed(end, 3) for end in score["delta1_interval"])
        where += f"; {low} to {high} over {images}"
    else:
        where += f", {images}"
    if not row["trained"]:
        return _figure("δ1", ABSENT, "", "the weights are not trained")
    if row["scored_in"]:
        where = f"scored in {row['scored_in']}; {where}"
    return _figure("δ1", fixed(row["delta1"], 3), "", where)


def _time(row: Row) -> Figure:
    low, high = row["low_ms"], row["high_ms"]
    between = "" if None in (low, high) else f"{significant(low)} to {significant(high)} ms"
    if row["ms"] is None:
        return _figure("time", ABSENT, "", "measured on no device, and not estimated")
    if row["estimated"]:
        return _figure("estimated time", significant(row["ms"]), "ms", between)
    told = [f"{between}, 95 % interval"] if between else []
    told += [counted(row["samples"], "sample")] if row["samples"] else []
    told += [] if row["valid"] else ["not to be used"]
    told += ["a quick look"] if row["quick"] else []
    return _figure("latency, p50", significant(row["ms"]), "ms", "; ".join(told))


def _rate(row: Row) -> Figure:
    rate = frames_per_second(row)
    if rate is None or row["valid"] is False:
        return _figure("frames per second", ABSENT, "", "")
    if row["sustained_fps"]:
        detail = "at the end of a sustained run"
    else:
        detail = "from the estimate, one by one" if row["estimated"] else "from p50, one by one"
    return _figure("frames per second", significant(rate), "", detail)


def _size(row: Row) -> Figure:
    size, memory = number(row["size_bytes"]), number(row["memory_bytes"])
    if size is None:
        return _figure("size", ABSENT, "", "not compiled")
    detail = "code and weights"
    if memory is not None:
        detail += f"; {memory / 1e6:.1f} MB of memory"
    return _figure("size", f"{size / 1e6:.1f}", "MB", detail)


def _change(row: Row) -> Figure:
    name = "since the last run"
    time, accuracy = row["change"], (row["score"] or {}).get("change")
    told = [f"δ1 {_signed(accuracy['now'] - accuracy['before'], 3)}"] if accuracy else []
    if not time:
        since = f" since {_moment(accuracy)}" if accuracy else ""
        return _figure(name, "first run", "", f"{told[0]}{since}" if told else "nothing earlier")
    if time["now"] is None:
        return _figure(name, "other conditions", "", "; ".join([*time["differing"], *told]))
    percent = 100 * (time["now"] / time["before"] - 1)
    detail = f"time, from {significant(time['before'])} ms on {_moment(time)}"
    return _figure(name, _signed(percent, 1), "%", "; ".join([detail, *told]))


def _moment(change: Mapping[str, Any]) -> str:
    return str(change["since"])[:16].replace("T", " ")


def _signed(value: float, digits: int) -> str:
    shown = f"{value:+.{digits}f}".replace("-", "\N{MINUS SIGN}")
    return shown if any(c in "123456789" for c in shown) else f"±{shown[1:]}"


def _figure(name: str, value: str, unit: str, detail: str) -> Figure:
    return {"name": name, "value": value, "unit": unit, "detail": detail}
