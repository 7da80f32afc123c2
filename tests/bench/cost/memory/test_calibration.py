"""The fit against data whose coefficients are known, and what is in use against the fit."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.cost.estimating import estimate as estimates
from bench.cost.estimating.estimate import estimate
from bench.cost.memory import calibration, public_latencies
from bench.cost.memory.calibration import CLOCKS_GHZ, Fit
from bench.cost.memory.core import CORES, KIRIN_980, RASPBERRY_PI_5, SNAPDRAGON_855
from bench.cost.memory.public_latencies import PublicNetwork, read_networks
from bench.cost.memory.traffic import Moved

AIM_MEDIAN, AIM_WORST = 0.06, 0.15


def made_by(truth: Fit, cycles: float, lines: float) -> PublicNetwork:
    network = PublicNetwork("made", 224, {}, cycles, cycles, Moved(written_back=lines))
    measured = {device: truth.milliseconds(network, device) for device in CLOCKS_GHZ}
    return PublicNetwork("made", 224, measured, cycles, cycles, network.moved)


@given(
    factor=st.floats(0.5, 1.5),
    lines=st.tuples(st.floats(0.5, 30), st.floats(0.5, 30)),
    networks=st.lists(
        st.tuples(st.floats(1e6, 1e9), st.floats(1e3, 1e6)), min_size=3, max_size=10, unique=True
    ),
)
@settings(deadline=None)
def test_coefficients_that_made_the_figures_are_found(
    factor: float, lines: tuple[float, float], networks: list[tuple[float, float]]
) -> None:
    truth = Fit(factor, dict(zip(CLOCKS_GHZ, lines, strict=True)))
    made = [made_by(truth, *network) for network in networks]
    found = calibration.fit(made)
    for device in CLOCKS_GHZ:
        assert np.abs(calibration.errors(found, made, device)).max() < 1e-6


def test_what_is_in_use_is_what_the_half_gives() -> None:
    networks = read_networks()
    found = calibration.fit(calibration.halves(networks)[0])
    assert pytest.approx(found.factor, abs=5e-4) == estimates.COMPUTE
    assert RASPBERRY_PI_5.line_ns == pytest.approx(found.line_ns["pi5"], abs=0.05)
    for core in (SNAPDRAGON_855, KIRIN_980):
        assert core.line_ns == pytest.approx(found.line_ns["sd855plus"], abs=0.05)
    spread = calibration.spread(networks, estimates.COVERAGE)
    assert pytest.approx(spread, abs=0.005) == estimates.SPREAD
    assert len(networks) == estimates.NETWORKS


@pytest.mark.parametrize("device", CLOCKS_GHZ)
def test_networks_not_fitted_on_are_as_near_as_is_said(device: str) -> None:
    networks = read_networks()
    fitted_on, judges = calibration.halves(networks)
    assert not {n.name for n in fitted_on} & {n.name for n in judges}
    for off in (
        np.abs(calibration.errors(calibration.fit(fitted_on), judges, device)),
        np.abs(calibration.leave_one_out(networks, device)),
    ):
        assert np.median(off) < AIM_MEDIAN
        assert off.max() < AIM_WORST


def test_an_estimate_is_the_fit_of_a_network() -> None:
    found = calibration.fit(calibration.halves(read_networks())[0])
    for network in read_networks():
        result = estimate(network.est_cycles, network.moved, RASPBERRY_PI_5)
        expected = found.milliseconds(network, "pi5")
        assert result.milliseconds == pytest.approx(expected, rel=0.005)
        assert result.cycles == pytest.approx(result.compute_cycles + result.memory_cycles)
        assert result.milliseconds == pytest.approx(result.cycles / 2.4e6)
        assert result.low_ms < result.milliseconds < result.high_ms


def test_nine_of_ten_networks_lie_in_their_interval() -> None:
    inside = [
        found.low_ms <= network.milliseconds["pi5"] <= found.high_ms
        for network in read_networks()
        for found in [estimate(network.est_cycles, network.moved, RASPBERRY_PI_5)]
    ]
    assert np.mean(inside) >= estimates.COVERAGE


def test_the_file_says_where_its_figures_are_from() -> None:
    document = public_latencies.read_document()
    assert document["schema"] == public_latencies.SCHEMA
    source = document["source"]
    assert {"project", "url", "file", "commit"} <= source.keys()
    assert set(source["devices"]) == set(CLOCKS_GHZ)
    for device, clock in CLOCKS_GHZ.items():
        assert source["devices"][device]["clock_ghz"] == clock
    assert len(read_networks()) >= 21
    assert len({network.name for network in read_networks()}) == len(read_networks())
    json.dumps(document, allow_nan=False)


def test_cores_differ_in_what_the_estimate_needs() -> None:
    moved = Moved(written_back=1e5)
    by_core = {name: estimate(1e8, moved, core).milliseconds for name, core in CORES.items()}
    assert by_core["pi5"] > by_core["kirin980"] > by_core["sd855"]


def test_the_document_has_the_errors_of_today() -> None:
    networks = read_networks()
    fitted_on, judges = calibration.halves(networks)
    found = calibration.fit(fitted_on)
    text = (Path(__file__).parents[4] / "docs" / "cost.md").read_text()
    for device, title in (("pi5", "Raspberry Pi 5"), ("sd855plus", "Snapdragon 855+")):
        without = [
            calibration.without_memory(network, device) / network.milliseconds[device] - 1
            for network in judges
        ]
        for which, off in (
            ("half not fitted on, without memory", without),
            ("half not fitted on", calibration.errors(found, judges, device)),
            ("each, fitted on all others", calibration.leave_one_out(networks, device)),
        ):
            median, worst = (100 * size(np.abs(off)) for size in (np.median, np.max))
            assert f"| {title} | {which} | {median:.1f} % | {worst:.1f} % |" in text
    assert f"every second of {len(networks)} networks" in text
    assert f"time = {found.factor:.2f} x cycles" in text
    for device in CLOCKS_GHZ:
        assert f"{found.line_ns[device]:.1f} ns" in text
    assert f"a factor of {estimates.SPREAD}" in text
