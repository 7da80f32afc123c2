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
    "estimated": "estimated, no device",
    "invalid": "INVALID",
    "untimed": "not timed",
}
"""What the figures of the first place are, with the word for it."""


def judge_places(places: Sequence[Place]) -> dict[str, str]:
    """The verdict: its `state` (a key of STATES), the `word` for that, and the `text`, one line.

    `places` have a `place`, its `rows`, and the `best` of them as chosen by `rule`. Of several
    nothing is said at once: the line names those whose figures are not to be used.
    """
    first = places[0]["best"]
    state = _state(first)
    told = _of_several(places) if len(places) > 1 else [_of_place(places[0])]
    told.append(_of_accuracy(first))
    return {"state": state, "word": STATES[state], "text": " ".join(filter(None, told))}


def _state(row: Row) -> str:
    if row["valid"] is False:
        return "invalid"
    if row["ms"] is None:
        return "untimed"
    if row["estimated"]:
        return "estimated"
    return "quick" if row["quick"] else "measured"


def _of_several(places: Sequence[Place]) -> list[str]:
    rules = dict.fromkeys(place["rule"] for place in places if place["rule"])
    told = "Each device by itself"
    if rules:
        told += f", with its best network, {', or '.join(rules)}"
    wrong = [place for place in places if place["best"]["valid"] is False]
    return [f"{told}.", *(_warning(place["best"], f"{place['place']}, ") for place in wrong)]


def _warning(row: Row, where: str = "") -> str:
    return f"Not to be used: {where}{'; '.join(map(str, row['reasons']))}."


def _of_place(place: Place) -> str:
    best = place["best"]
    if best["valid"] is False:
        return _warning(best)
    if best["ms"] is None and best["no_latency"]:
        return f"There is no latency: {best['no_latency']}."
    if best["ms"] is None:
        return "It was measured on no device, and no time was estimated."
    if place["rule"]:
        return f"Best of {len(place['rows'])}: {best['label']}, {place['rule']}."
    rate = significant(frames_per_second(best))
    return f"{'About ' if best['estimated'] else ''}{rate} frames per second."


def _of_accuracy(best: Row) -> str:
    if not best["score"]:
        return "Accuracy was not scored."
    if not best["trained"]:
        return "The weights are not trained: of accuracy nothing is known."
    if best["score"]["comparable"] and best["paper_delta1"] is not None:
        return _beside_the_paper(best["delta1"], best["paper_delta1"])
    return meaning(best["score"])


def _beside_the_paper(delta1: float, printed: float) -> str:
    apart = fixed(abs(delta1 - printed), 3)
    if not float(apart):
        return "The δ1 is what the paper prints for it."
    side = "above" if delta1 > printed else "below"
    return f"The δ1 is {apart} {side} the {fixed(printed, 3)} that the paper prints for it."
