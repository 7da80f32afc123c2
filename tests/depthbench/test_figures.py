"""Figures of the documents, computed again from the files that ship."""

from __future__ import annotations

import json
import re
from pathlib import Path
from statistics import geometric_mean, median
from typing import Any

import pytest
from scipy.stats import kendalltau, spearmanr

from bench.cost.inference_cost import CYCLES_NOTE
from bench.gates.instruction_gate import TOLERANCE
from bench.measure.sampling_plan import FULL, QUICK
from bench.measure.validity import RULES
from bench.paper.counted import read_counted
from bench.paper.measured import read_measured, timed_networks
from bench.stats.regression import FALSE_ALARMS, LEAST_RUNS
from depthnet import paper, zoo
from depthnet.scoring.protocols import PROTOCOLS, View

ROOT = Path(__file__).resolve().parents[2]
FIRST = ("efficientnet_l2_cat", "mobiledepth")
MOBILENETS = ("mobilenet_v1_add", "mobilenet_v2_cat")
TRAINED = FIRST + MOBILENETS
A76_GHZ = 2.6


def rows(name: str, first: str) -> list[list[str]]:
    """The rows of the first table of a document whose heading begins with `first`."""
    table = (ROOT / name).read_text().partition(f"| {first} |")[2].partition("\n\n")[0]
    lines = table.splitlines()[2:]
    return [
        [cell.strip().replace("`", "") for cell in line.strip("|").split("|")] for line in lines
    ]


def says(name: str, pattern: str) -> tuple[str, ...]:
    """The groups of the one place in a document that a pattern fits."""
    found = re.findall(pattern, " ".join((ROOT / name).read_text().split()))
    assert len(found) == 1, f"{name}: {len(found)} places like {pattern!r}"
    return found[0] if isinstance(found[0], tuple) else (found[0],)


def training(network: str) -> list[dict[str, Any]]:
    """The records of the runs that led to weights that ship, the last one first."""
    record = json.loads((ROOT / f"depthnet/weights/trained/{network}.json").read_text())
    runs = []
    while record:
        runs.append(record)
        record = record.get("before")
    return runs


def printed_ms(network: str) -> float:
    """The milliseconds of the first of a network's rows, in the order of the tables."""
    order = list(paper.tables())
    ordered = sorted(zoo.get(network).rows, key=lambda row: order.index(row[0]))
    figures = [paper.printed(*row) for row in ordered]
    return float(next(row["cpu_ms"] for row in figures if "cpu_ms" in row))


@pytest.mark.parametrize("network", TRAINED)
def test_accuracy_under_the_papers_protocol(network: str) -> None:
    record = read_measured()["accuracy"][network]
    rmse, rel, delta1 = (f"{record[name]:.3f}" for name in ("rmse", "rel", "delta1"))
    readme = {row[0]: row for row in rows("README.md", "network")}
    assert readme[network][5:] == [rmse, delta1]
    scored = [row for row in rows("docs/training.md", "network | protocol") if row[0] == network]
    assert [network, "paper", rmse, rel, delta1] in scored
    assert says("README.md", r"all (\d+) test pairs") == (str(record["images"]),)


@pytest.mark.parametrize("network", TRAINED)
def test_the_two_tables_of_accuracy_agree(network: str) -> None:
    readme = {row[0]: row for row in rows("README.md", "network")}[network]
    scored = [row for row in rows("docs/training.md", "network | protocol") if row[0] == network]
    assert [network, "eigen", *readme[2:5]] in scored


@pytest.mark.parametrize("network", FIRST)
def test_training(network: str) -> None:
    runs = training(network)
    table = {row[0]: row for row in rows("docs/training.md", "network")}
    assert int(table[network][2]) == sum(run["epochs"] for run in runs)
    assert float(table[network][3]) == round(sum(run["hours"] for run in runs), 1)
    (data,) = runs[0]["data"]
    learnt, held_out = says("docs/training.md", r"from (\d+) pairs .*? (\d+) more were held out")
    assert (int(learnt), int(held_out)) == (data["pairs"], data["held_out"])
    assert says("README.md", r"trained, on (\d+) pairs") == (learnt,)


@pytest.mark.parametrize("network", MOBILENETS)
def test_training_by_plans(network: str) -> None:
    *later, first = training(network)
    nyu, rooms, pictures = first["data"]
    pattern = r"above: (\d+) pairs of NYU, (\d+) rooms and (\d+) unlabelled pictures .*? with (\d+)"
    figures = (nyu["pairs"], rooms["pairs"], pictures["pictures"], nyu["held_out"])
    assert says("docs/training.md", pattern) == tuple(map(str, figures))
    epochs = (str(first["epochs"]), str(sum(run["epochs"] for run in later)))
    text = " ".join((ROOT / "docs/training.md").read_text().split())
    found = re.findall(rf"`{network}` (?:had )?(\d+) (?:epochs .*? H200 )?and (\d+)", text)
    assert found == [epochs]
    held_out = says("docs/training.md", r"pairs held out: ([\d.]+) and ([\d.]+) under `paper`")
    score = later[0]["validation"]["delta1"]
    assert held_out[MOBILENETS.index(network)] == f"{score:.3f}"


def test_what_the_paper_prints() -> None:
    flagship = paper.printed("I", "This work")
    pattern = r"printed: RMSE ([\d.]+) m, δ1 ([\d.]+)"
    for name in ("README.md", "docs/training.md"):
        assert says(name, pattern) == (flagship["rmse"], flagship["delta1"])


def test_how_well_estimated_cycles_rank_the_papers_networks() -> None:
    cost = read_measured()["cost"]
    names = [name for name in timed_networks() if name in cost]
    times = [printed_ms(name) for name in names]
    cycles = [cost[name]["est_cycles"] for name in names]
    ratios = [c / (A76_GHZ * 1e6) / ms for c, ms in zip(cycles, times, strict=True)]
    for name in ("README.md", "docs/cost.md"):
        text = (ROOT / name).read_text()
        assert f"Over the {len(names)} networks that the paper times" in text
        assert f"{min(ratios):.2f} to {max(ratios):.2f} of the printed milliseconds" in text
    assert f"they are {min(ratios):.2f} to {max(ratios):.2f} of the printed" in CYCLES_NOTE
    spearman, kendall, *of_macs = says(
        "docs/cost.md",
        r"Spearman's ([\d.]+) and Kendall's ([\d.]+) \(MACs: ([\d.]+) and ([\d.]+)\)",
    )
    assert spearman == f"{spearmanr(cycles, times).statistic:.2f}"
    assert kendall == f"{kendalltau(cycles, times).statistic:.2f}"
    macs = [read_counted()[name]["macs_paper_g"] for name in names]
    ranks = (spearmanr(macs, times).statistic, kendalltau(macs, times).statistic)
    assert of_macs == [f"{rank:.2f}" for rank in ranks]
    pattern = r"Spearman's ([\d.]+) \(MACs alone: ([\d.]+)\)"
    assert says("README.md", pattern) == (spearman, of_macs[0])


def test_estimates_beside_the_papers_milliseconds() -> None:
    cost = read_measured()["cost"]
    estimated = [name for name in timed_networks() if cost[name].get("estimate")]
    with_memory = [cost[name]["estimate"]["milliseconds"] / printed_ms(name) for name in estimated]
    without = [cost[name]["est_cycles"] / (A76_GHZ * 1e6) / printed_ms(name) for name in estimated]
    found = says(
        "docs/cost.md",
        r"the estimate of (\d+) of these networks is ([\d.]+) to ([\d.]+) of the printed "
        r"milliseconds, ([\d.]+) in the middle; of the same, that without memory is ([\d.]+) to "
        r"([\d.]+)\.",
    )
    shares = [min(with_memory), max(with_memory), median(with_memory), min(without), max(without)]
    assert found == (str(len(estimated)), *(f"{share:.2f}" for share in shares))


def test_the_flagships_cost() -> None:
    cost = read_measured()["cost"]["mobiledepth"]
    ours = ["depthbench", "fp32"]
    ours += [f"{cost[name] / 1e6:.1f} M" for name in ("instructions", "est_cycles")]
    baseline = json.loads((ROOT / "bench/gates/instruction_baseline.json").read_text())
    assert baseline["estimate"]["core"] == "Raspberry Pi 5"
    ours.append(f"{baseline['estimate']['milliseconds']:.1f}")
    for name in ("README.md", "docs/cost.md"):
        assert rows(name, "runtime")[0] == ours
    assert [row for row in rows("docs/cost.md", "runtime") if "--untuned" not in row[0]] == rows(
        "README.md", "runtime"
    )


def test_what_the_default_schedule_takes_has_one_figure() -> None:
    untuned = rows("docs/cost.md", "runtime")[1]
    assert "--untuned" in untuned[0]
    (told,) = says("docs/tuning.md", r"the default schedule takes ([\d.]+) M cycles of computing")
    assert untuned[3] == f"{told} M"


def test_ratios_of_the_table_are_summed_up_right() -> None:
    cells = [cell for row in rows("docs/cost.md", "network | ratio") for cell in row]
    ratios = sorted(map(float, cells[1::2]))
    low, high, mean = says(
        "README.md", r"ten networks took ([\d.]+) to ([\d.]+) of .*? geometric mean is (\d\.\d+)"
    )
    assert len(ratios) == 10
    assert (float(low), float(high)) == (ratios[0], ratios[-1])
    assert mean == f"{geometric_mean(ratios):.2f}"
    assert says("docs/cost.md", r"The geometric mean is ([\d.]+)\.") == (mean,)


def test_tuned_choices_that_ship_are_listed() -> None:
    shipped = {f"compile/records/{file.name}" for file in (ROOT / "compile/records").glob("*.json")}
    assert {row[0] for row in rows("docs/tuning.md", "file")} == shipped
    assert says("docs/cost.md", r"Intel core \(family (\d+), model (\d+)") == ("6", "167")


def test_how_much_is_measured_and_when_it_counts() -> None:
    samples, seconds, warmup, quick = says(
        "docs/devices.md",
        r"at least (\d+) samples and (\d+) s are taken, each after (\d+) warm-up runs\. `--quick` "
        r"takes (\d+)",
    )
    assert (int(samples), float(seconds), int(warmup)) == (FULL.samples, FULL.seconds, FULL.warmup)
    assert int(quick) == QUICK.samples
    spread, variation, clock, battery = says(
        "docs/devices.md",
        r"within (\d+) %, .*? at most (\d+) %, no clock changed by more than (\d+) %, .*? (\d+) °C",
    )
    assert [int(spread) / 100, int(variation) / 100, int(clock) / 100, float(battery)] == [
        *(RULES.session_spread, RULES.cv, RULES.clock_change, RULES.temperature_c)
    ]


def test_the_limits_of_the_gates() -> None:
    (growth,) = says("docs/cost.md", r"may grow by ([\d.]+) %")
    assert float(growth) / 100 == TOLERANCE
    (interval,) = says("docs/cost.md", r"the ([\d.]+) % prediction interval")
    assert float(interval) / 100 == pytest.approx(1 - FALSE_ALARMS)
    assert LEAST_RUNS == 5
    assert "at least five before it" in (ROOT / "docs/cost.md").read_text()


def test_protocols_are_described_as_they_are() -> None:
    described = {row[0]: row for row in rows("docs/protocols.md", "protocol")}
    assert described.keys() == PROTOCOLS.keys()
    for name, protocol in PROTOCOLS.items():
        _, size, crop, cap, flip, fitted = described[name]
        assert flip == ("yes" if protocol.flip else "no")
        assert (fitted == "nothing") == (protocol.alignment == "none")
        if not size.startswith("as"):
            assert size == "x".join(map(str, protocol.size))
        if name == "eigen":
            assert protocol.crop
            edges = [edge for part in protocol.crop for edge in (part.start, part.stop)]
            assert list(map(int, re.findall(r"\d+", crop))) == edges
            assert tuple(map(float, re.findall(r"[\d.]+", cap))) == protocol.cap
    assert PROTOCOLS["fastdepth"].view == View(shrunk=(250, 333), crop=(228, 304))
    assert described["fastdepth"][2] == "centre 228x304 of 250x333"
