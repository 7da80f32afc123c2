"""The paper's tables with our figures beside the printed ones."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from statistics import median
from typing import TYPE_CHECKING, Any

from bench.paper.counted import read_counted
from bench.paper.measured import read_measured
from bench.records.record import Record
from bench.report.wording import trained
from depthbench.errors import InputError
from depthnet import paper

if TYPE_CHECKING:
    from depthnet.zoo import Entry

SCHEMA = "depthbench.paper/1"
TEST_IMAGES = 654
"""All of NYU Depth v2's test split, which the paper scores."""

CYCLES_LABEL = "emulated cost, not latency"
COSTS = ("instructions", "est_cycles", "est_ms")
COUNTED = {"weights_m": "weights_paper_m", "macs_g": "macs_paper_g"}
TIMED = "cpu_ms"
NOTES = {
    ("I", "Wofk et al (2019), unpruned"): "the printed MACs are those of convolutions alone, "
    "which table IV counts as 0.76 with the rest",
    **dict.fromkeys(
        (("I", "Eigen and Fergus (2015)"), ("I", "Laina et al (2016)")),
        "the printed milliseconds are fewer than one core takes to multiply the printed MACs: at "
        "2.6 GHz a Cortex-A76 does 20.8 G a second in fp32",
    ),
    ("II", "Inversed"): "printed for training with the L1 loss; see how ours was trained",
}

Row = dict[str, Any]


def choose_tables(which: str) -> list[str]:
    """The tables that `which` (a Roman number or `all`) names; raises InputError otherwise."""
    known = list(paper.tables())
    if which.lower() == "all":
        return known
    if which.upper() not in known:
        raise InputError(
            f"the paper has no table '{which}'", advice=f"give all or one of {', '.join(known)}"
        )
    return [which.upper()]


def compare_with_paper(tables: Iterable[str], records: Iterable[Record] = ()) -> dict[str, Any]:
    """Put what we count and have measured beside the printed tables.

    Each row has `printed`, `ours` and `deviation` ((ours - printed) / printed), None where there
    is no figure; `missing` says of each None in `ours` why, `sources` which record each measured
    figure is from. Weights and MACs are counted, as the paper counts them, for every row that
    the zoo has, printed there or not. Accuracy is taken from the latest record of the row's
    network, trained, under protocol `paper` on all 654 test images of NYU: among `records`, or
    else among those that come with depthbench. Milliseconds are those of the latest valid record
    of one thread on a real arm64 device. What an inference costs on an emulated Cortex-A76
    (`bench.paper.measured`) is no latency: it stands apart as `emulated_cost`, and as
    `estimated_share` what its estimate is of the printed milliseconds.
    `estimated_shares`: of how many networks, the least, the middle and the greatest of these.
    `rank_correlation`: how well each of our costs ranks the networks as the printed milliseconds
    do, one row a network. `inconsistencies`: where the paper contradicts itself.
    """
    kept = read_measured()
    latest = sorted(records, key=lambda record: str(record.get("time", "")))
    latest = [*kept["accuracy"].values(), *latest]
    entries = _zoo_rows()
    documents = []
    for number in tables:
        table = paper.tables()[number]
        rows = []
        for figures in table["rows"]:
            entry = entries.get((number, figures["row"]))
            cost = kept["cost"].get(entry.name) if entry else None
            rows.append(_row(number, figures, entry, latest, cost))
        documents.append({"table": number, "caption": table["caption"], "rows": rows})
    every = [row for document in documents for row in document["rows"]]
    return {
        "schema": SCHEMA,
        "tables": documents,
        "estimated_shares": _shares(every),
        "rank_correlation": _correlations(every),
        "inconsistencies": paper.inconsistencies(),
    }


def _zoo_rows() -> dict[tuple[str, str], Entry]:
    from depthnet import zoo

    return {row: entry for entry in zoo.ENTRIES for row in entry.rows}


def _row(
    table: str,
    figures: Mapping[str, str | None],
    entry: Entry | None,
    records: list[Record],
    cost: Row | None,
) -> Row:
    name = entry.name if entry else None
    counts = read_counted()[name] if name else {}
    printed = {
        key: None if figure is None else float(figure)
        for key, figure in figures.items()
        if key != "row"
    }
    ours: dict[str, float | None] = {}
    missing: dict[str, str] = {}
    sources: dict[str, Row] = {}
    for key in [*(key for key in COUNTED if name and key not in printed), *printed]:
        if name is None:
            ours[key], missing[key] = None, "no network of the zoo is this row"
        elif key in COUNTED:
            ours[key] = counts[COUNTED[key]]
        elif record := _latest(records, name, _is_latency if key == TIMED else is_comparable):
            ours[key] = record["p50_ms" if key == TIMED else key]
            sources[key] = _source(record)
        else:
            ours[key] = None
            missing[key] = _why_missing(name, key)
    return {
        "table": table,
        "row": figures["row"],
        "network": name,
        "printed": printed,
        "ours": ours,
        "deviation": {key: _deviation(ours[key], printed[key]) for key in printed},
        "missing": missing,
        "sources": sources,
        "emulated_cost": {**cost, "label": CYCLES_LABEL} if cost else None,
        "estimated_share": _share(cost, printed.get(TIMED)),
        "note": NOTES.get((table, str(figures["row"])), ""),
    }


def _latest(
    records: list[Record], name: str | None, fits: Callable[[Record], bool]
) -> Record | None:
    fitting = [record for record in records if record["model"] == name and fits(record)]
    return fitting[-1] if fitting else None


def is_comparable(record: Mapping[str, Any]) -> bool:
    """Whether a record is of the accuracy of trained weights, scored by the paper's rule."""
    return (
        record["kind"] == "accuracy"
        and record["protocol"] == "paper"
        and record["data"].startswith("nyu")
        and record["split"] == "test"
        and record["images"] == TEST_IMAGES
        and record["flip"]
        and trained(record)
    )


def _is_latency(record: Record) -> bool:
    return (
        record["kind"] == "latency"
        and record["target"].startswith("arm64")
        and record["device"].get("emulated") is False
        and record["conditions"].get("threads") == 1
        and record["valid"]
        and not record["quick"]
    )


def _source(record: Record) -> Row:
    named = ("id", "time", "weights", "runtime", "averaging", "device", "target")
    return {key: record[key] for key in named if key in record}


def _why_missing(name: str, key: str) -> str:
    if key == TIMED:
        return f"no valid latency record of {name} with one thread on an arm64 device"
    return (
        f"no record of a trained {name} under protocol paper on all {TEST_IMAGES} test images of "
        "NYU"
    )


def _deviation(ours: float | None, printed: float | None) -> float | None:
    return None if ours is None or not printed else ours / printed - 1


def _share(cost: Row | None, printed_ms: float | None) -> float | None:
    estimated = _figure(cost, "est_ms") if cost else None
    return None if estimated is None or not printed_ms else estimated / printed_ms


def _figure(cost: Row, key: str) -> float | None:
    if key != "est_ms":
        return float(cost[key])
    return float(cost["estimate"]["milliseconds"]) if cost.get("estimate") else None


def _timed(rows: list[Row]) -> list[Row]:
    """A row for each network that the paper times: its first."""
    timed = [row for row in rows if row["network"] and row["printed"].get(TIMED) is not None]
    return list({row["network"]: row for row in reversed(timed)}.values())


def _shares(rows: list[Row]) -> Row | None:
    found = [share for row in _timed(rows) if (share := row["estimated_share"]) is not None]
    if not found:
        return None
    return {
        "networks": len(found),
        "least": min(found),
        "median": median(found),
        "greatest": max(found),
    }


def _correlations(rows: list[Row]) -> dict[str, Row | None]:
    timed = _timed(rows)
    correlations = {"macs_g": _rank([(row["ours"]["macs_g"], row) for row in timed])}
    counted = [(row["emulated_cost"], row) for row in timed if row["emulated_cost"]]
    for key in COSTS:
        figures = [(_figure(cost, key), row) for cost, row in counted]
        correlations[key] = _rank([(one, row) for one, row in figures if one is not None])
    return correlations


def _rank(pairs: list[tuple[float, Row]]) -> Row | None:
    """Spearman's rho and Kendall's tau-b; None of fewer than three networks or of constants."""
    costs = [cost for cost, _ in pairs]
    times = [row["printed"][TIMED] for _, row in pairs]
    if len(pairs) < 3 or any(len(set(side)) == 1 for side in (costs, times)):
        return None
    from scipy.stats import kendalltau, spearmanr

    return {
        "spearman": round(float(spearmanr(costs, times).statistic), 4),
        "kendall": round(float(kendalltau(costs, times).statistic), 4),
        "networks": len(pairs),
    }
