"""One line on what may be made of a report's figures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from bench.report.first_screen.data_sets import meaning
from bench.report.first_screen.key_figures import frames_per_second
from bench.report.numbers import fixed, significant

Row = Mapping[str, Any]
Place = Mapping[str, Any]
STATES = {
    "measured": "measured",
    "quick": "a quick look",
    "estimated": "estimated",
    "invalid": "INVALID",
    "untimed": "not timed",
}
"""What the figures are, with the word for it: the worst of what the line speaks of."""
MOST_PLACES = 3


def judge_places(places: Sequence[Place], rows: Sequence[Row]) -> dict[str, str]:
    """The verdict: its `state` (a key of STATES), the `word` for that, and the `text`, one line.

    `places` have a `place` and its `best` row, as chosen by `rule`.
    """
    state = max((_state(place["best"]) for place in places), key=list(STATES).index)
    text = "; ".join(_of_place(place, len(places) > 1) for place in places[:MOST_PLACES])
    if len(places) > MOST_PLACES:
        text += f"; {len(places) - MOST_PLACES} more devices are in the table"
    clauses = [text, *_of_accuracy(places[0]["best"], rows)]
    line = ". ".join(clause[:1].upper() + clause[1:] for clause in clauses)
    return {"state": state, "word": STATES[state], "text": f"{line}."}


def _state(row: Row) -> str:
    if row["valid"] is False:
        return "invalid"
    if row["ms"] is None:
        return "untimed"
    if row["estimated"]:
        return "estimated"
    return "quick" if row["quick"] else "measured"


def _of_place(place: Place, of_several: bool) -> str:
    best = place["best"]
    where = f"on {place['place']}: " if of_several else ""
    if best["valid"] is False:
        return f"{where}{best['label']} is not to be used: {'; '.join(best['reasons'])}"
    if best["ms"] is None:
        if best["no_latency"]:
            return f"{where}{best['label']} ran under emulation alone, which gives no latency"
        return f"{where}{best['label']} was measured on no device, and no time was estimated"
    delta1 = f"δ1 {fixed(best['delta1'], 3)} at " if best["delta1"] and best["trained"] else ""
    if place["rule"]:
        count = len(place["rows"])
        return f"{where}{best['label']} of {count}, {delta1}{significant(best['ms'])} ms: {place['rule']}"
    rate = significant(frames_per_second(best))
    if best["estimated"]:
        return f"{where}about {rate} frames per second: an estimate, no device was measured"
    return f"{where}{rate} frames per second"


def _of_accuracy(best: Row, rows: Sequence[Row]) -> list[str]:
    if not best["score"]:
        return ["accuracy was not scored"]
    if not best["trained"]:
        return ["the weights are not trained: of accuracy the report says nothing"]
    return [clause] if (clause := meaning(best["score"])) else []
