"""One row a network, precision and device: what a reader wants to know first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from bench.paper.printed_columns import paper_rows
from bench.paper.printed_tables import is_comparable
from bench.report.first_screen.data_sets import is_nyu
from bench.report.numbers import number
from bench.report.wording import conditions_in_short, device, untrained

Row = dict[str, Any]
Record = Mapping[str, Any]
NO_LATENCY = {
    "emulated cost": "emulated",
    "unknown time": "unknown whether emulated",
    "cost": "counted under emulation",
}
TIMES = ("p50_ms", "p90_ms", "p99_ms")
RULE = ("data", "split", "images", "protocol")
SCORES = (*RULE, "runtime", "rmse", "rel", "delta1", "delta1_interval", "id")
EXACT = "fp32"
"""What an ONNX file computes in unless a record of accuracy says otherwise."""


def summarise_models(models: Sequence[Record]) -> tuple[list[Row], dict[str, Any] | None]:
    """A row for every measurement of every network, or one for a network that was not timed.

    `ms` is the median on a real device, or where there was none the time that was `estimated`,
    with `low_ms` and `high_ms` around it; `place` is the device or the core of the estimate. An
    emulator's time is neither: such a row has no `ms`, and `no_latency` says why. `accuracy` lists
    the scores of its very file, or of a quantised one that was not scored, those of the `network`
    that it was made of; each has its rule: data, split, images and protocol.

    All rows are judged by one rule, which is returned too (None without a score): that by which
    most networks were scored, NYU's before others. `score` is the row's by it, `delta1` its δ1,
    `trained` whether that means anything, and `scored_in` the precision that was scored, where it
    is not the one that was timed. `label` tells the row from the others.
    """
    scores = {model["model"]: model["accuracy"] for model in models}
    rows = [_row(model, *found, scores) for model in models for found in _measured(model)]
    rule = choose_rule(rows)
    for row in rows:
        row |= judge(row, rule)
    _label(rows)
    return rows, dict(zip(RULE, rule, strict=True)) if rule else None


def rule_of(score: Record) -> tuple[Any, ...]:
    """What two scores must share to be compared."""
    return tuple(score.get(name) for name in RULE)


def choose_rule(rows: Iterable[Row]) -> tuple[Any, ...] | None:
    """The rule by which most rows have a score of trained weights; of two, the stricter."""
    found: dict[tuple[Any, ...], list[Any]] = {}
    for row in rows:
        for rule, score in {rule_of(score): score for score in row["accuracy"]}.items():
            counted = found.setdefault(rule, [0, 0, score])
            counted[0] += score["trained"]
            counted[1] += 1

    def rank(rule: tuple[Any, ...]) -> tuple[Any, ...]:
        of_trained, of_all, score = found[rule]
        nyu = is_nyu(score) and score["split"] == "test"
        return (of_trained, nyu, of_all, score["comparable"], score["images"], rule[-1] == "paper")

    return max(found, key=rank, default=None)


def _measured(model: Record) -> list[tuple[Record, Record | None]]:
    """Each record that was timed or counted, with its estimate; an empty one where there is none.

    The estimate of code that ran on a device stands beside that latency. That of code that only
    ran under emulation is the measurement.
    """
    costs = [cost for cost in model["cost"] if cost.get("estimate")]
    real = {record["artefact_sha256"] for record in model["latency"]}
    counted = {cost["artefact_sha256"] for cost in costs}
    shown: list[tuple[Record, Record | None]] = [(record, None) for record in model["latency"]]
    shown += [(cost, cost) for cost in costs if cost["artefact_sha256"] not in real]
    rest = [*model["emulated_cost"], *model["unknown_time"]]
    rest += [cost for cost in model["cost"] if not cost.get("estimate")]
    shown += [(record, None) for record in rest if record["artefact_sha256"] not in counted | real]
    return shown or [({}, None)]


def _row(
    model: Record, record: Record, cost: Record | None, scores: Mapping[str, list[Record]]
) -> Row:
    complexity = model["complexity"] or {}
    kind = record.get("kind", "")
    conditions = record.get("conditions") or {}
    times = {name: number(record.get(name)) for name in TIMES}
    precision = _text(conditions.get("precision"))
    estimate = cost["estimate"] if cost else {}
    interval = _interval(record) if kind == "latency" else (None, None)
    network = str(model["model"]).removesuffix(f"-{precision}")
    scored = [one for one in model["accuracy"] if _same_file(one, record)]
    return {
        "model": model["model"],
        "network": network,
        "record": record.get("id"),
        "time": record.get("time"),
        "precision": precision,
        "threads": number(conditions.get("threads")),
        "size": record.get("input_size"),
        "place": _place(record, estimate),
        "estimated": bool(estimate),
        "ms": estimate.get("milliseconds") or (times["p50_ms"] if kind == "latency" else None),
        "low_ms": estimate.get("low_ms") or interval[0],
        "high_ms": estimate.get("high_ms") or interval[1],
        "error_source": estimate.get("error_source"),
        "paper_delta1": _paper_delta1(complexity),
        "weights_m": complexity.get("weights_m"),
        "macs_g": complexity.get("macs_conv_g"),
        "size_bytes": number(record.get("artefact_bytes")),
        "memory_bytes": peak_memory(record),
        "accuracy": [_score(one) for one in scored or _of_source(network, model, scores)],
        "device": device(record) if record else None,
        "conditions": conditions_in_short(record) if record else None,
        "latency_ms": times if kind == "latency" else None,
        "no_latency": NO_LATENCY.get(kind),
        "sustained_fps": _sustained(record) if kind == "latency" else None,
        "samples": record.get("count") if kind == "latency" else None,
        "valid": record.get("valid"),
        "reasons": record.get("reasons") or [],
        "quick": record.get("quick"),
        "change": record.get("change"),
    }


def _sustained(record: Record) -> float | None:
    run = record.get("sustained")
    return number(run.get("last_fps")) if isinstance(run, Mapping) else None


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _paper_delta1(complexity: Record) -> float | None:
    printed = [number(row["printed"].get("delta1")) for row in paper_rows(complexity)]
    return next((delta1 for delta1 in printed if delta1 is not None), None)


def _interval(record: Record) -> tuple[float | None, float | None]:
    intervals = record.get("intervals")
    found = intervals.get("p50_ms") if isinstance(intervals, Mapping) else None
    if not isinstance(found, list) or len(found) != 2 or None in map(number, found):
        return None, None
    return found[0], found[1]


def _place(record: Record, estimate: Record) -> str | None:
    if estimate:
        return f"{estimate['core']}, {estimate['clock_ghz']:g} GHz"
    return device(record) if record.get("kind") == "latency" else None


def _same_file(score: Record, record: Record) -> bool:
    """Whether a score is of the file that was timed; older records do not say."""
    files = {score.get("model_sha256"), record.get("model_sha256")} - {None}
    return len(files) < 2


def _of_source(network: str, model: Record, scores: Mapping[str, list[Record]]) -> Iterable[Record]:
    return scores.get(network, []) if network != model["model"] else []


def _score(record: Record) -> Row:
    conditions = record["conditions"]
    return {
        **{name: record.get(name) for name in SCORES},
        "precision": _text(conditions.get("precision")) or EXACT,
        "trained": not untrained([record]),
        "comparable": is_comparable(record),
        "change": record.get("change"),
    }


def judge(row: Record, rule: tuple[Any, ...] | None) -> Row:
    """The `score` of a row by a rule, its `delta1`, whether it is `trained`, and `scored_in`: the
    precision that was scored where it is not the row's own. A score in that precision comes first.
    """
    fitting = [score for score in row["accuracy"] if rule_of(score) == rule]
    precision = row["precision"] or EXACT
    own = [score for score in fitting if score["precision"] == precision]
    score = (own or fitting or [None])[-1]
    return {
        "score": score,
        "delta1": number(score["delta1"]) if score else None,
        "trained": bool(score and score["trained"]),
        "scored_in": None if own or not score else score["precision"],
    }


def _label(rows: Sequence[Row]) -> None:
    """Name each row by its network and by what of the rest differs between rows."""
    telling = [name for name in ("precision", "size", "threads") if _differs(rows, name)]
    for row in rows:
        told = [_told(name, row[name]) for name in telling if row[name] is not None]
        row["label"] = " ".join([row["network"], *told])


def _differs(rows: Iterable[Row], name: str) -> bool:
    return len({str(row[name]) for row in rows if row[name] is not None}) > 1


def _told(name: str, value: Any) -> str:
    if name == "size" and isinstance(value, list):
        return "x".join(map(str, value))
    return f"{value}t" if name == "threads" else str(value)


def counted_runtimes(record: Record) -> list[Row]:
    """What an inference costs each runtime of a cost record: depthbench's code, then its peers."""
    rows = {"depthbench": {**record, "cost": record}, **record["peers"]}
    return [
        {
            "runtime": " ".join(filter(None, (name, row.get("version")))),
            "estimate": row.get("estimate"),
            "est_cycles": row["cost"]["est_cycles"],
            "instructions": row["cost"]["instructions"],
            "fma_cycles": row["cost"]["fma_cycles"],
            "max_relative_difference": row["agreement"].get("max_relative_difference"),
        }
        for name, row in rows.items()
    ]


def peak_memory(record: Record) -> float | None:
    """Bytes by the compiler's plan: weights, and the storages that one inference takes."""
    memory = record.get("memory")
    if not isinstance(memory, Mapping):
        return None
    parts = [number(memory.get(name)) for name in ("weights_bytes", "activations_bytes")]
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None
