"""The commands that measure again what records hold."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from bench.records.schema import TIMED

OUT = "out"
PLATFORMS = {"arm64-a76": "arm64-android"}
"""What a package of a target is mostly for."""


def commands(records: Iterable[Mapping[str, Any]]) -> list[str]:
    """Shell lines that measure each record again, in order, without repetition.

    A model from elsewhere is named by its file, and a line before writes its card. A record that
    holds its own `command` (a list of words) is taken at its word.
    """
    lines: dict[str, None] = {}
    for record in records:
        card = _card(record)
        if card:
            lines.setdefault(f"printf %s {shlex.quote(card)} > {shlex.quote(_card_file(card))}")
        for words in _commands(record, _card_file(card) if card else None):
            lines.setdefault(shlex.join(map(str, words)))
    return list(lines)


def _card(record: Mapping[str, Any]) -> str:
    """What was said of the use of a model from elsewhere, as JSON; empty for nothing."""
    scored = _mapping(record.get("accuracy"))
    card = _mapping(scored.get("card") or record.get("card"))
    return json.dumps(card) if card and _file(record) else ""


def _card_file(card: str) -> str:
    return f"{OUT}/card-{hashlib.sha256(card.encode()).hexdigest()[:8]}.json"


def _file(record: Mapping[str, Any]) -> str | None:
    file = record.get("model_file")
    return file if isinstance(file, str) else None


def _commands(record: Mapping[str, Any], card: str | None) -> list[list[Any]]:
    if isinstance(record.get("command"), list):
        return [record["command"]]
    file = _file(record)
    model = file or record["model"]
    if record["kind"] == "complexity":
        return [["depthbench", "complexity", model]]
    shapes = _mapping(record.get("input_shapes")).items()
    given = [f"--input-shape={name}={'x'.join(map(str, shape))}" for name, shape in shapes]
    if record["kind"] == "accuracy":
        options = _options({**_scored(record), "card": card})
        return [["depthbench", "eval", model, *options, *given]]
    if record["kind"] == "flicker":
        static = ["--static"] if record.get("deviation") is not None else []
        seen = {"video": record["data"], "limit": record["frames"], "runtime": record["runtime"]}
        options = _options({**seen, "card": card})
        return [["depthbench", "eval", model, *options, *static, *given]]
    if record["kind"] == "calibration":
        points = [f"--point={point}" for point in map(_measured_point, record["measured"])]
        fit = ["--fit", record["fitted"].replace(" ", "-")]
        options = _options({"card": card})
        return [["depthbench", "calibrate", model, *options, *fit, *points, *given]]
    target, conditions = record.get("target"), record["conditions"]
    precision, threads = (conditions.get(name) for name in ("precision", "threads"))
    compiled = {
        "target": target,
        "precision": None if precision == "fp32" else precision,
        "threads": None if threads == 1 else threads,
        "card": card,
    }
    if record.get("source") in ("demo", "app"):
        return _packaged(
            record, model, {**compiled, "target": PLATFORMS.get(str(target), target)}, given
        )
    if record["kind"] == "cost":
        return [["depthbench", "cost", model, *_options(_estimated(record, compiled)), *given]]
    if record["kind"] not in TIMED:
        return []  # what was given to it, pictures and distances, a record does not hold
    folder = f"{OUT}/{record['model']}-{target}"
    return [
        ["depthbench", "compile", model, *_options(compiled), *given, "-o", folder],
        ["depthbench", "rpc-measure", folder, *_options({**_measured(record), "model": file})]
        + (["--profile"] if record.get("profile") else []),
    ]


def _measured_point(point: Mapping[str, Any]) -> str:
    edges = [point[name] for name in ("x", "y", "right", "bottom") if point[name] is not None]
    return f"{point['picture']}:{','.join(f'{edge:g}' for edge in edges)}={point['metres']:.6g}"


def _packaged(
    record: Mapping[str, Any], model: Any, compiled: Mapping[str, Any], given: Iterable[str]
) -> list[list[Any]]:
    """The demo; or the package, which an app then times."""
    if record["source"] == "demo":
        chosen = {name: compiled[name] for name in ("precision", "threads")}
        return [["depthbench", "demo", model, *_options(chosen)]]
    return [["depthbench", "package", model, *_options(compiled), *given]]


def _estimated(record: Mapping[str, Any], compiled: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **{name: compiled[name] for name in ("precision", "card")},
        "core": record["device"].get("core"),
        "clock": f"{clock}GHz" if (clock := record["device"].get("clock_ghz")) else None,
        "peers": ",".join(_mapping(record.get("peers"))) or None,
    }


def _scored(record: Mapping[str, Any]) -> dict[str, Any]:
    chosen = {name: record.get(name) for name in ("data", "split", "protocol", "runtime")}
    chosen["limit"] = record.get("images")
    if sheet := _mapping(record.get("sheet")):
        chosen["sheet"] = os.path.normpath(f"{OUT}/{sheet.get('file')}")
    return {**chosen, "records": f"{OUT}/records.jsonl"}


def _measured(record: Mapping[str, Any]) -> dict[str, Any]:
    before = _mapping(record["conditions"].get("before"))
    place = f"tracker:{before['tracker']}/{before.get('key')}" if before.get("tracker") else None
    scored = _mapping(record.get("accuracy"))
    return {
        "device": place or record["device"].get("name"),
        **_mapping(record["conditions"].get("sampling")),
        **{name: scored.get(name) for name in ("data", "protocol")},
        "accuracy": scored.get("images"),
        "sustained": f"{run['asked_s']:g}s" if (run := _mapping(record.get("sustained"))) else None,
    }


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _options(values: Mapping[str, Any]) -> list[Any]:
    options: list[Any] = []
    for name, value in values.items():
        if value is not None:
            options += [f"--{name}", f"{value:g}" if isinstance(value, float) else value]
    return options
