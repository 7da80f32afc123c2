from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from bench.measure.sampling_plan import EMULATED, FULL, QUICK, Sampling
from bench.measure.validity import Verdict, judge

GOOD = {
    "against": "onnxruntime",
    "max_relative_difference": 3e-7,
    "max_abs_difference": 1e-6,
    "reference_std": 0.4,
}


def sessions(*medians: float, spread: float = 0.01, count: int = 100) -> list[list[float]]:
    offsets = np.linspace(-spread, spread, count)
    return [[float(median * (1 + offset)) for offset in offsets] for median in medians]


def latency(times: list[list[float]], asked: Sampling = FULL, **more: Any) -> Verdict:
    return judge("latency", times, asked, more.pop("agreement", GOOD), **more)


def cost(times: list[list[float]], **more: Any) -> Verdict:
    return judge("emulated cost", times, EMULATED, more.pop("agreement", GOOD), **more)


def test_a_quiet_full_measurement_is_valid() -> None:
    assert latency(sessions(60, 61, 62)) == Verdict(True, [])


@pytest.mark.parametrize(
    ("medians", "valid"), [((100, 102, 104.9), True), ((100, 102, 105.2), False)]
)
def test_session_medians_lie_within_five_percent(medians: tuple[float], valid: bool) -> None:
    verdict = latency(sessions(*medians, spread=0.001))
    assert verdict.valid is valid
    assert valid or "session medians are 5.2% apart (limit 5%)" in verdict.reasons


@pytest.mark.parametrize(("spread", "valid"), [(0.17, True), (0.18, False)])
def test_cv_is_at_most_ten_percent(spread: float, valid: bool) -> None:
    # Evenly spread samples have a standard deviation of their half width over root 3.
    times = sessions(60, 60, 60, spread=spread)
    assert (spread / math.sqrt(3) < 0.10) is valid
    verdict = latency(times)
    assert verdict.valid is valid
    assert valid or any("coefficient of variation" in reason for reason in verdict.reasons)


@pytest.mark.parametrize(("after", "valid"), [(2480, True), (2210, False), (2800, False)])
def test_no_clock_changes_by_more_than_five_percent(after: float, valid: bool) -> None:
    before = {"clocks_mhz": {"6": 2600.0, "7": 2600.0}}
    verdict = latency(
        sessions(60, 60, 60), before=before, after={"clocks_mhz": {"6": 2600.0, "7": after}}
    )
    assert verdict.valid is valid
    assert valid or "core 7 went from 2600" in verdict.reasons[0]


def test_a_lowered_limit_of_the_clock_is_seen_whatever_the_clock_is_now() -> None:
    now = {"clocks_mhz": {"7": 2600.0}}
    verdict = latency(
        sessions(60, 60, 60),
        before={**now, "clock_limits_mhz": {"7": 2600.0}},
        after={**now, "clock_limits_mhz": {"7": 2000.0}},
    )
    assert not verdict.valid
    assert "the highest allowed clock of core 7 went from 2600 to 2000" in verdict.reasons[0]


@pytest.mark.parametrize(("before", "after", "valid"), [(36, 37, True), (36, 38, False)])
def test_the_battery_stays_cool(before: float, after: float, valid: bool) -> None:
    verdict = latency(
        sessions(60, 60, 60), before={"battery_c": before}, after={"battery_c": after}
    )
    assert verdict.valid is valid
    assert valid or "38.0 °C" in verdict.reasons[0]


@pytest.mark.parametrize(
    ("asked", "used", "valid"), [([6, 7], [6, 7], True), ([6, 7], [0, 7], False), ([], [0], True)]
)
def test_it_ran_on_the_cores_asked_for(asked: list[int], used: list[int], valid: bool) -> None:
    assert latency(sessions(60, 60, 60), after={"cpus": asked, "cores": used}).valid is valid


@pytest.mark.parametrize(
    "change", [{"warmup": 9}, {"samples": 99}, {"seconds": 1}, {"sessions": 2}]
)
def test_fewer_samples_than_the_rule_need_the_word_quick(change: dict[str, Any]) -> None:
    asked = FULL.but(**change)
    times = sessions(*[60] * asked.sessions)
    verdict = latency(times, asked)
    assert not verdict.valid
    assert "the rule is 10, 100 and 60 s in 3" in verdict.reasons[0]
    assert latency(times, asked, quick=True).valid


def test_a_quick_look_still_obeys_the_rules_of_noise() -> None:
    assert latency(sessions(60, count=20), QUICK, quick=True).valid
    assert not latency(sessions(60, count=20, spread=0.5), QUICK, quick=True).valid


def test_noise_clocks_and_amounts_do_not_judge_an_emulated_cost() -> None:
    before, after = {"clocks_mhz": {"0": 1000}, "battery_c": 60}, {"clocks_mhz": {"0": 2000}}
    assert cost([[1.0, 9.0, 3.0, 80.0, 2.0]], before=before, after=after).valid


@pytest.mark.parametrize("kind", ["latency", "emulated cost"])
@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"max_relative_difference": 1.1e-4}, "differ from those of onnxruntime by 1.1e-04"),
        ({"max_relative_difference": math.nan}, "differ from those of onnxruntime by nan"),
        ({"max_relative_difference": None}, "could not be compared"),
        ({"reference_std": 0.0}, "constant"),
    ],
)
def test_outputs_must_agree_whatever_the_kind(
    kind: Any, change: dict[str, Any], reason: str
) -> None:
    times, asked = (sessions(60, 60, 60), FULL) if kind == "latency" else ([[1.0] * 5], EMULATED)
    verdict = judge(kind, times, asked, {**GOOD, **change})
    assert not verdict.valid
    assert reason in verdict.reasons[0]


@pytest.mark.parametrize("wrong", [0.0, -1.0, math.nan, math.inf])
def test_a_sample_that_is_no_time_is_a_reason(wrong: float) -> None:
    verdict = cost([[1.0, 2.0, wrong, 2.0, 1.0]])
    assert verdict.reasons == ["1 sample is not a positive finite time"]
    assert not latency([*sessions(60, 60), [wrong] * 100]).valid


def test_missing_samples_and_sessions_are_a_reason() -> None:
    assert "4 of 5 samples were taken" in cost([[1.0] * 4]).reasons[0]
    assert (
        "200 of 300 samples were taken, in 2 of 3 sessions" in latency(sessions(60, 60)).reasons[0]
    )
    assert not latency([]).valid


def test_what_stopped_it_comes_first() -> None:
    verdict = latency(sessions(60, count=7), stopped="interrupted")
    assert verdict.reasons[0] == "interrupted"
    assert not verdict.valid


@pytest.mark.parametrize(("slower", "valid"), [(1.03, True), (1.2, False)])
def test_a_session_that_still_warmed_up_is_seen(slower: float, valid: bool) -> None:
    times = sessions(60, 60, 60, spread=0.001)
    times[1] = [slower * 60] * 20 + [59.9, 60.0, 60.1, 60.0] * 20
    verdict = latency(times)
    assert verdict.valid is valid
    assert valid or verdict.reasons == [
        "the first 20 samples of session 2 are 20.0% above the rest (limit 5%): "
        "ask for more warm-ups"
    ]
