"""A history in words, for the terminal and the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.history.commit_order import short_commit
from bench.report.escape import plain
from bench.report.numbers import ABSENT, significant
from depthbench.plural import counted

CHANGE, LIMIT = "change", "gate's limit [ms]"


def describe_line(line: Mapping[str, Any]) -> str:
    """What the figures of a line are of, and the details."""
    return f"{line['topic']}: {', '.join(filter(None, (line['subject'], line['details'])))}"


def describe_records(history: Mapping[str, Any]) -> str:
    """How many records of how many commits, and from when to when."""
    first, last = (history[name][:10] for name in ("first", "last"))
    span = f"of {first}" if first == last else f"{first} to {last}"
    of = f" of {counted(history['commits'], 'commit')}" if history["commits"] else ""
    return f"{counted(history['records'], 'record')}{of}, {span}"


def describe_code(at: Mapping[str, Any]) -> str:
    """The commit of a run, short; `?` where it is not known."""
    return short_commit(at["commit"], at["dirty"])


def describe_place(jump: Mapping[str, Any]) -> str:
    """Where a jump happened: at which commit, or in which since the run before."""
    at, since = jump["at"], jump["since"]
    if at["commit"] is None:
        return f"at an unknown commit, after {describe_code(since)} of {since['time'][:10]}"
    if at["commit"] == since["commit"]:
        same = at["dirty"] == since["dirty"]
        return f"at {describe_code(at)}{', the commit of the run before' if same else ''}"
    if jump["commits"] is None or jump["commits"] == 1:
        return f"at {describe_code(at)}, after {describe_code(since)}"
    before = counted(jump["commits"] - 1, "commit")
    return f"at {describe_code(at)}, or in the {before} between it and {describe_code(since)}"


def by_place(jumps: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Jumps that happened together: the `place` and the `date`, and by line what `moved` there.

    Each of `moved` has the `line`, whether all of it is `better`, the `moves` as text, and what
    changed `also`.
    """
    places: dict[str, list[Mapping[str, Any]]] = {}
    for jump in jumps:
        places.setdefault(describe_place(jump), []).append(jump)
    return [
        {"place": place, "date": alike[0]["at"]["time"][:10], "moved": _by_line(alike)}
        for place, alike in places.items()
    ]


def _by_line(jumps: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    lines: dict[str, list[Mapping[str, Any]]] = {}
    for jump in jumps:
        lines.setdefault(describe_line(jump), []).append(jump)
    return [
        {
            "line": line,
            "better": all(jump["better"] for jump in alike),
            "moves": ", ".join(map(_move, alike)),
            "also": list(dict.fromkeys(cause for jump in alike for cause in jump["also"])),
        }
        for line, alike in lines.items()
    ]


def _move(jump: Mapping[str, Any]) -> str:
    return f"{jump['name']} {jump['shown']} ({jump['change']}; {jump['rule']})"


def list_jumps(jumps: Sequence[Mapping[str, Any]], most: int) -> list[str]:
    """The jumps at the `most` newest places, as lines of text."""
    told, places = [], by_place(jumps)
    for one in places[:most]:
        told.append(f"{one['date']} {one['place']}")
        told += [f"  {_in_one_line(moved)}" for moved in one["moved"]]
    hidden = len(places) - most
    return [*told, *([f"and at {counted(hidden, 'place')} before"] if hidden > 0 else [])]


def _in_one_line(moved: Mapping[str, Any]) -> str:
    also = f"; changed too: {', '.join(moved['also'])}" if moved["also"] else ""
    verdict = "better" if moved["better"] else "WORSE"
    return plain(f"{verdict}: {moved['moves']}; {moved['line']}{also}")


def describe_run(line: Mapping[str, Any], run: Mapping[str, Any]) -> dict[str, str]:
    """A run as a row of a table: the columns of a line are the same for all its runs."""
    row = {"date, UTC": run["time"][:16].replace("T", " "), "commit": describe_code(run)}
    for figure in line["figures"]:
        ends = run["intervals"].get(figure["key"])
        interval = f" ({' to '.join(map(significant, ends))})" if ends else ""
        row[figure["name"]] = f"{run['shown'][figure['key']]}{interval}"
    row[CHANGE] = next(iter(run["changes"].values()), ABSENT)
    if any(one["limit_ms"] for one in line["runs"]):
        row[LIMIT] = significant(run["limit_ms"])
    return row | {"": _remark(line, run)}


def numeric_columns(line: Mapping[str, Any]) -> set[str]:
    """Those columns of `describe_run` that hold numbers."""
    return {CHANGE, LIMIT} | {figure["name"] for figure in line["figures"]}


def _remark(line: Mapping[str, Any], run: Mapping[str, Any]) -> str:
    jumped = [jump["name"] for jump in line["jumps"] if jump["id"] == run["id"]]
    told = [f"{' and '.join(jumped)} jumped"] if jumped else []
    if run["slower"] and not jumped:
        told.append("slower by the gate")
    if not run["valid"]:
        told.append(f"INVALID{': ' if run['reasons'] else ''}{'; '.join(run['reasons'])}")
    return plain(", ".join(told))
