"""Speed over a sustained run, with the clocks and temperatures of the device below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from bench.report.charts.svg import FAINT, SERIES, draw_both, gridded

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

HEIGHT, HEIGHT_OF_MORE = (200, 230), (110, 120)
RATES = {"latency": "frames/s", "emulated cost": "emulator's frames/s"}


def draw_sustained(record: Mapping[str, Any], name: str) -> dict[str, str] | None:
    """Draw the sustained run of a record; None where it has none, or no rate."""
    run = record.get("sustained") or {}
    windows = [one for one in run.get("windows", []) if one["fps"] is not None]
    if not windows:
        return None
    told = run.get("telemetry") or {}
    panels = [panel for panel in (_clocks(told), _heat(told)) if panel[1]]

    def draw(figure: Figure, narrow: bool) -> None:
        grid = figure.subplots(
            1 + len(panels), squeeze=False, sharex=True, height_ratios=[2] + [1] * len(panels)
        )
        with gridded(grid[0][0]) as axes:
            _draw_rates(axes, windows, run)
            axes.set_ylabel(RATES.get(record["kind"], "frames/s of unknown origin"))
        for row, (label, lines) in zip(grid[1:], panels, strict=True):
            with gridded(row[0]) as axes:
                for number, (line, values) in enumerate(lines.items()):
                    style = "o-" if len(values) <= 30 else "-"
                    seconds, numbers = zip(*values, strict=True)
                    axes.plot(
                        seconds, numbers, style, color=SERIES[number % 4], ms=3, lw=1, label=line
                    )
                axes.set_ylabel(label)
                if len(lines) > 1:
                    axes.legend(loc="best")
        grid[-1][0].set_xlabel("seconds since it began")

    low, wide = (one + more * len(panels) for one, more in zip(HEIGHT, HEIGHT_OF_MORE, strict=True))
    return draw_both(draw, name, (low, wide))


def _draw_rates(axes: Axes, windows: Sequence[Mapping[str, Any]], run: Mapping[str, Any]) -> None:
    middle = run["window_s"] / 2
    seconds = [one["start_s"] + middle for one in windows]
    axes.plot(seconds, [one["fps"] for one in windows], "o-", color=SERIES[0], ms=3, lw=1)
    axes.set_ylim(0, 1.1 * max(one["fps"] for one in windows))
    if run["throttled_at_s"] is not None:
        axes.axvline(run["throttled_at_s"], color=FAINT, lw=0.8, ls="--")


Lines = dict[str, list[tuple[float, float]]]


def _clocks(told: Mapping[str, Any]) -> tuple[str, Lines]:
    """Cores of one cluster have one clock: they are one line."""
    named: dict[str, list[str]] = {}
    lines = {core: _known(told, values) for core, values in told.get("clocks_mhz", {}).items()}
    for core, line in lines.items():
        named.setdefault(repr(line), []).append(core)
    kept = {f"core {', '.join(cores)}": lines[cores[0]] for cores in named.values()}
    return "MHz", {name: line for name, line in kept.items() if line}


def _heat(told: Mapping[str, Any]) -> tuple[str, Lines]:
    named = {"hottest zone": "hottest_c", "battery": "battery_c"}
    lines = {name: _known(told, told.get(key, [])) for name, key in named.items()}
    return "°C", {name: line for name, line in lines.items() if line}


def _known(told: Mapping[str, Any], values: Sequence[float | None]) -> list[tuple[float, float]]:
    pairs = zip(told.get("seconds", []), values, strict=False)
    return [(seconds, value) for seconds, value in pairs if value is not None]
