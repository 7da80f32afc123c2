from __future__ import annotations

import random

import pytest

from compile.tuning.search import Search

OPTIONS = {"tile": ["a", "b", "c", "d"], "rows": ["4", "2", "1"], "ahead": ["yes", "no"]}
# What each choice multiplies the cost by; the formula's do nothing.
FACTORS = {"b": 1.1, "c": 0.9, "d": 1.3, "2": 0.95, "1": 1.2, "no": 1.02}


def cost(choices: dict[str, str]) -> float:
    product = 1.0
    for value in choices.values():
        product *= FACTORS[value]
    return product


def run(search: Search, trials: int, noise: float = 0.0, seed: int = 0) -> list[dict[str, str]]:
    rng = random.Random(seed)
    proposed = []
    for _ in range(trials):
        choices = search.propose()
        proposed.append(choices)
        if choices:
            search.add(choices, OPTIONS, cost(choices) * (1 + rng.gauss(0, noise)))
    return proposed


def new(seed: int = 0, exact: bool = True, **known: str) -> Search:
    return Search("w", OPTIONS, seed=seed, exact=exact, known=known)


def test_finds_the_best_and_then_stops() -> None:
    search = new()
    proposed = run(search, 30)

    best = search.best()
    assert best is not None
    assert best.choices == {"tile": "c", "rows": "2"}
    assert proposed[-1] == {}
    tried = [tuple(sorted(choices.items())) for choices in proposed if choices]
    assert len(set(tried)) == len(tried)


def test_the_seed_decides_the_order() -> None:
    orders = [run(new(seed), 12) for seed in (1, 1, 2)]
    assert orders[0] == orders[1] != orders[2]


def test_what_was_good_before_is_tried_first() -> None:
    assert new(tile="c", rows="2").propose() == {"tile": "c", "rows": "2"}


@pytest.mark.parametrize("seed", range(5))
def test_noise_is_measured_away(seed: int) -> None:
    search = new(exact=False)
    run(search, 60, noise=0.02, seed=seed)
    best = search.best()
    assert best is not None
    assert len(best.ratios) > 1
    assert cost(best.choices) < 0.93


def test_noise_alone_is_no_gain() -> None:
    search = Search("w", {"tile": list("abcdefghij")}, seed=0, exact=False)
    rng = random.Random(0)
    for _ in range(80):
        if choices := search.propose():
            search.add(choices, search.options, 1.01 + rng.gauss(0, 0.01))
    assert search.best() is None


def test_what_failed_is_not_tried_again() -> None:
    search = new()
    first = search.propose()
    search.add(first, OPTIONS, None, "does not fit")
    assert first not in run(search, 30)
    assert all(one.failed or one.ratios for one in search.tried)
