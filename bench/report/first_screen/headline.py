"""What was measured, on what, when, and how good it is, in a few words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.report.first_screen.best import best_row
from bench.report.first_screen.data_sets import data_in_words
from bench.report.first_screen.key_figures import key_figures
from bench.report.first_screen.verdict import judge_places
from bench.report.wording import commit
from depthbench.plural import counted

Row = Mapping[str, Any]


def write_headline(
    rows: Sequence[Row], times: Iterable[str], environments: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """The first screen of a report in words, from its summary.

    `title` says what was measured and on what, `what` lists by which data, protocol and code, and
    when. `places` has an entry for each device, or core of an estimate, the measured ones first:
    the `label` of the best network there with the `rule` that names it, of how many `rows`, and its
    `figures` (`bench.report.first_screen.key_figures`); nothing is said of two devices at once.
    `verdict` is one line with its `state`, see `bench.report.first_screen.verdict`.
    """
    places = _places(rows)
    return {
        "title": _title(rows, places),
        "what": [*_rule(rows), *_conditions(rows), _when(times), *_code(environments)],
        "verdict": judge_places(places),
        "places": [
            {
                **{name: place[name] for name in ("place", "estimated", "rule")},
                "rows": len(place["rows"]),
                "valid": place["best"]["valid"],
                **_of_best(place["best"]),
            }
            for place in places
        ],
    }


def _places(rows: Sequence[Row]) -> list[dict[str, Any]]:
    names = dict.fromkeys(row["place"] for row in rows if row["place"]) or {None: None}
    found = []
    for name in names:
        mine = [row for row in rows if row["place"] == name]
        best, rule = best_row(mine)
        estimated = any(row["estimated"] for row in mine)
        found.append(
            {"place": name, "estimated": estimated, "rows": mine, "best": best, "rule": rule}
        )
    return sorted(found, key=lambda place: (place["estimated"], place["best"]["valid"] is False))


def _of_best(best: Row) -> dict[str, Any]:
    return {
        **{name: best[name] for name in ("model", "network", "label", "record", "error_source")},
        "score": best["score"] and best["score"]["id"],
        "figures": key_figures(best),
    }


def _title(rows: Sequence[Row], places: Sequence[Mapping[str, Any]]) -> str:
    return f"{_subject(rows)}{_where(places)}"


def _subject(rows: Sequence[Row]) -> str:
    networks = list(dict.fromkeys(row["network"] for row in rows))
    precisions = list(dict.fromkeys(row["precision"] for row in rows if row["precision"]))
    named = networks[0] if len(networks) == 1 else counted(len(networks), "network")
    if len(precisions) == 1:
        return f"{named}, {precisions[0]},"
    return f"{named} in {len(precisions)} precisions" if precisions else named


def _where(places: Sequence[Mapping[str, Any]]) -> str:
    if places[0]["place"] is None:
        return " not timed"
    if len(places) > 1:
        among = ", estimates among them" if any(place["estimated"] for place in places) else ""
        return f" on {len(places)} devices{among}"
    (place,) = places
    return f" on {place['place']}{' (estimated)' if place['estimated'] else ''}"


def _rule(rows: Sequence[Row]) -> list[str]:
    score = next((row["score"] for row in rows if row["score"]), None)
    return [f"{data_in_words(score)}, {score['protocol']} protocol"] if score else []


def _conditions(rows: Sequence[Row]) -> list[str]:
    threads = {row["threads"] for row in rows if row["threads"]}
    if len(threads) != 1:
        return []
    (count,) = threads
    return [counted(count, "thread")]


def _when(times: Iterable[str]) -> str:
    days = sorted({time[:10] for time in times})
    return days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"


def _code(environments: Sequence[Mapping[str, Any]]) -> list[str]:
    codes = dict.fromkeys(commit(one["git"], short=True) for one in environments)
    return [next(iter(codes)) if len(codes) == 1 else f"{len(codes)} versions of the code"]
