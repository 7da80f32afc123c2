"""What the accuracy gate found, figure by figure: metrics, stages and layers' weights."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from bench.gates.accuracy_gate import (
    LARGER_IS_BETTER,
    METRIC_TOLERANCES,
    STAGE_TOLERANCES,
    WEIGHT_TOLERANCE,
    Change,
    Snapshot,
    not_compared,
)
from bench.gates.figure import Figure
from bench.gates.fingerprint import STAGES
from depthbench.plural import counted

GATE = "accuracy"
METRES = ("rmse", "mae")
MOST_GROUPS = 12
NAMED = 20


def accuracy_figures(
    before: Snapshot, now: Snapshot, changes: Sequence[Change], where: str = ""
) -> list[Figure]:
    """The figures of all networks; `where` says where a model's file first differs."""
    figures = []
    for name in now:
        own = [change for change in changes if change.network == name]
        if name not in before:
            figures.append(Figure(GATE, name, "network is new", verdict="FAILED"))
            continue
        figures += _weights(name, now[name], own, where)
        scored = [
            (data, protocol) for data in now[name]["data"] for protocol in now[name]["data"][data]
        ]
        for data, protocol in scored:
            if data in before[name]["data"]:
                label = f"{data} {protocol} " if len(scored) > 1 else ""
                figures += _scores(before, now, (name, data, protocol), label, own, where)
    gone = sorted(before.keys() - now.keys())
    figures += [Figure(GATE, name, "network is gone", verdict="FAILED") for name in gone]
    why = "only on one side"
    return figures + [
        Figure(
            GATE, one.partition(" on ")[0], one.partition(" on ")[2], verdict="not judged", why=why
        )
        for one in not_compared(before, now)
    ]


def layer_groups(names: Iterable[str]) -> dict[str, list[str]]:
    """Tensors by the part of a network that they are in: the outermost of which there are several.

    Of encoder.conv.weight or /encoder/conv/weight that is `encoder`; of a lone name it is empty.
    One group where there are too many.
    """
    listed = sorted(names)
    folders = {name: re.split("[./]+", name.strip("./"))[:-1] for name in listed}
    deepest = max(map(len, folders.values()), default=0)
    groups: dict[str, list[str]] = {}
    for depth in range(1, deepest + 1):
        groups = {}
        for name in listed:
            groups.setdefault(".".join(folders[name][:depth]), []).append(name)
        if len(groups.keys() - {""}) > 1:
            break
    return groups if 0 < len(groups) <= MOST_GROUPS else {"": listed}


def _weights(
    name: str, network: dict[str, Any], changes: Sequence[Change], where: str
) -> Iterator[Figure]:
    found = next((change for change in changes if change.what == "weights"), None)
    moved = dict(found.where) if found else {}
    tensors = network["weights"]["tensors"]
    hidden = found is not None and not moved  # trained weights whose hash alone is another
    for part, group in layer_groups(tensors).items():
        ours = [(tensor, moved[tensor]) for tensor in moved if tensor in set(group)]
        bad = bool(ours) or hidden
        of = counted(len(group), "tensor")
        why = f"{len(ours)} of {of} moved, most {ours[0][0]}" if ours else ""
        yield Figure(
            GATE,
            name,
            f"weights of {part}" if part else "weights",
            change=ours[0][1] if ours else None,
            allowed=WEIGHT_TOLERANCE,
            relative=True,
            verdict="FAILED" if bad else "good",
            why=(why or "their hash is another") if bad else "",
            where=where if bad else "",
            details=_named(ours),
        )


def _scores(
    before: Snapshot,
    now: Snapshot,
    at: tuple[str, str, str],
    label: str,
    changes: Sequence[Change],
    where: str,
) -> Iterator[Figure]:
    name, data, protocol = at
    was, found = before[name]["data"][data].get(protocol), now[name]["data"][data][protocol]
    ours = {change.what: change for change in changes if (change.data, change.protocol) == at[1:]}
    if was is None:
        yield Figure(GATE, name, f"{label}protocol is new", verdict="FAILED")
        return
    if "images" in ours:
        why = f"other images: {', '.join(image for image, _ in ours['images'].where[:NAMED])}"
        yield Figure(GATE, name, f"{label}images", verdict="FAILED", why=why)
    for stage, tolerance in STAGE_TOLERANCES.items():
        change = ours.get(stage)
        yield Figure(
            GATE,
            name,
            f"{label}{stage}",
            change=change.by if change and math.isfinite(change.by or 0.0) else None,
            allowed=tolerance,
            verdict="FAILED" if change else "good",
            why=f"{_images(change)}; look at {STAGES[stage]}" if change else "",
            where=where if change else "",
            details=_named(change.where) if change else (),
        )
    for metric, tolerance in METRIC_TOLERANCES.items():
        change = ours.get(metric)
        old, new = was["means"][metric], found["means"][metric]
        yield Figure(
            GATE,
            name,
            f"{label}{metric}",
            was=old,
            now=new,
            change=new - old,
            allowed=-tolerance if metric in LARGER_IS_BETTER else tolerance,
            unit="m" if metric in METRES else "",
            verdict="FAILED" if change else "good",
            why=_images(change) if change else "",
            where=where if change else "",
            details=_named(change.where) if change else (),
        )


def _images(change: Change) -> str:
    most = f", most {change.where[0][0]}" if change.where else ""
    return f"moved in {len(change.where)} of {counted(change.of, 'image')}{most}"


def _named(moved: Sequence[tuple[str, float]]) -> tuple[str, ...]:
    more = (f"and {len(moved) - NAMED} more",) if len(moved) > NAMED else ()
    return (*(f"{name}: {by:.3g}" for name, by in moved[:NAMED]), *more)
