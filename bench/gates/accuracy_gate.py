"""Whether the shipped networks still give what the baseline says, and where they do not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.gates.fingerprint import PROTOCOLS, STAGES, Held, fingerprint_scores, fingerprint_weights
from bench.model_card import describe_model
from bench.models import Model, load_model
from depthbench.progress import Progress
from depthnet.scoring.metrics import NAMES
from depthnet.weights.origin import Trained

if TYPE_CHECKING:
    from depthnet.card.depth_model import DepthModel
    from depthnet.data.pair import DepthDataset

IMAGES = 16
LARGER_IS_BETTER = ("delta1", "delta2", "delta3")

METRIC_TOLERANCES = {
    **{"rmse": 0.005, "mae": 0.005, "rel": 0.002, "log10": 0.001},
    **{"delta1": 0.002, "delta2": 0.002, "delta3": 0.002},
}
"""How far a mean may fall: metres for RMSE and MAE, else as the metric is."""

STAGE_TOLERANCES = {
    **{"input": 2e-4, "truth": 2e-4, "prediction": 2e-4, "mask": 0.0, "scores": 5e-4},
}
"""How far one image may move: levels of 0 to 1 for the input, metres for truth and prediction.

Without vector instructions and without graph optimisation, as far as another machine can be from
this one, predictions move by 2e-5, and scores by 8e-5, since pixels at a threshold cross it.
"""

FAR = 10.0
"""Metres that the tolerance of predictions is for; of larger numbers it is as large a share."""

WEIGHT_TOLERANCE = 1e-4
"""Share of a tensor's norm by which its sum may move. Random weights drawn without vector
instructions move by 1.1e-5; trained ones are held to their hash."""

Snapshot = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """One thing that moved: in which network, data and protocol, by how much, on which images."""

    network: str
    data: str
    protocol: str
    what: str
    was: float | None
    now: float | None
    by: float | None
    allowed: float | None
    where: tuple[tuple[str, float], ...] = ()
    of: int = 0


def shipped_networks() -> list[str]:
    """The networks that are gated: the flagship, and all whose trained weights ship."""
    from depthnet import zoo
    from depthnet.weights import pretrained

    return [n for n in zoo.names() if n == zoo.FLAGSHIP or pretrained.weights_path(n)]


def export_shipped(name: str, path: Path) -> Model:
    """Export a network as it ships to `path`.

    One without trained weights starts at random: ImageNet weights would depend on whether the
    hub could be reached.
    """
    from depthnet import network, zoo
    from depthnet.export import onnx_export
    from depthnet.weights import pretrained

    entry = zoo.get(name)
    trained = pretrained.weights_path(name)
    built, origin = pretrained.build(entry) if trained else network.build(entry, pretrained=False)
    onnx_export.export(built, origin, path)
    return load_model(path, name)


def fixed_images() -> list[DepthDataset]:
    """The first rendered rooms, and the first of NYU's test images where they are present."""
    from bench.accuracy.evaluate import default_data
    from depthnet.data import open_dataset

    names = dict.fromkeys(("rooms", default_data()))
    return [open_dataset(name, "test", IMAGES) for name in names]


def take_snapshot(
    models: Sequence[Model],
    datasets: Sequence[DepthDataset],
    progress: Progress = lambda line: None,
) -> Snapshot:
    """What every model gives on every data set under every protocol of `PROTOCOLS`.

    Raises as `score_images` does.
    """
    kept = [Held(dataset) for dataset in datasets]
    return {
        model.name: snapshot_of(model, describe_model(model), kept, PROTOCOLS, progress)
        for model in models
    }


def snapshot_of(
    model: Model,
    depth_model: DepthModel,
    datasets: Sequence[DepthDataset],
    protocols: Sequence[str],
    progress: Progress = lambda line: None,
) -> dict[str, Any]:
    """What one model, used as `depth_model` says, gives on every data set under every protocol.

    Raises as `score_images` does.
    """
    return {
        "weights": fingerprint_weights(model),
        "data": {
            dataset.name: {
                protocol: fingerprint_scores(model, depth_model, dataset, protocol, progress)
                for protocol in protocols
            }
            for dataset in datasets
        },
    }


def not_compared(baseline: Snapshot, current: Snapshot) -> list[str]:
    """The data sets, `NETWORK on DATA`, that only one of the two snapshots has."""
    pairs = [
        {(name, data) for name, network in snapshot.items() for data in network["data"]}
        for snapshot in (baseline, current)
    ]
    shared = set(baseline) & set(current)
    return [f"{name} on {data}" for name, data in sorted(pairs[0] ^ pairs[1]) if name in shared]


def compare(baseline: Snapshot, current: Snapshot) -> list[Change]:
    """What moved beyond its tolerance, in the order from file to figure; empty when nothing did.

    Data that only one snapshot has is passed over: NYU's images are not on every machine. A
    network that only one has is a change.
    """
    changes: list[Change] = []
    for name in sorted(set(baseline) | set(current)):
        if name not in baseline or name not in current:
            what = "network is new" if name in current else "network is gone"
            changes.append(Change(name, "-", "-", what, None, None, None, None))
            continue
        was, now = baseline[name], current[name]
        changes += _weight_changes(name, was["weights"], now["weights"])
        for data in sorted(set(was["data"]) & set(now["data"])):
            for protocol, new in now["data"][data].items():
                old = was["data"][data].get(protocol)
                if old is None:
                    changes.append(
                        Change(name, data, protocol, "protocol is new", None, None, None, None)
                    )
                    continue
                changes += _stage_changes((name, data, protocol), old["images"], new["images"])
                changes += _falls((name, data, protocol), old, new)
    return changes


def truth_moved(was: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """The images that only one of two networks' snapshots has, or whose depth differs."""
    moved = []
    for data, protocols in now["data"].items():
        for protocol, section in protocols.items():
            old, new = was["data"][data][protocol]["images"], section["images"]
            moved += sorted(old.keys() ^ new.keys())
            moved += [
                name
                for name in new
                if name in old
                and not _distance(old[name]["truth"], new[name]["truth"])
                <= STAGE_TOLERANCES["truth"]
            ]
    return moved


def explain(changes: Sequence[Change]) -> str:
    """One line on where the first stage that moved points to; empty when nothing moved."""
    for stage, meaning in STAGES.items():
        for change in changes:
            if change.what == stage:
                most = f", most in {change.where[0][0]}" if change.where else ""
                return f"first to move: {stage}{most}; look at {meaning}"
    return f"moved: {changes[0].what}" if changes else ""


def _weight_changes(name: str, was: dict[str, Any], now: dict[str, Any]) -> list[Change]:
    moved = {}
    for tensor in was["tensors"].keys() & now["tensors"].keys():
        (old, old_rms, size), (new, new_rms, _) = was["tensors"][tensor], now["tensors"][tensor]
        norm = max(old_rms, 1e-12) * math.sqrt(size)
        share = max(abs(new - old) / norm, abs(new_rms - old_rms) / max(old_rms, 1e-12))
        if not share <= WEIGHT_TOLERANCE:
            moved[tensor] = share
    trained = bool(now["origin"]) and now["origin"]["kind"] == Trained.kind
    if not moved and not (trained and was["sha256"] != now["sha256"]):
        return []
    where = _largest_first(moved)
    largest = where[0][1] if where else None
    count = len(now["tensors"])
    return [Change(name, "-", "-", "weights", None, None, largest, WEIGHT_TOLERANCE, where, count)]


def _stage_changes(at: tuple[str, str, str], was: Any, now: Any) -> list[Change]:
    changes = []
    if was.keys() != now.keys():
        names = {name: math.inf for name in was.keys() ^ now.keys()}
        count = len(was.keys() | now.keys())
        changes.append(Change(*at, "images", None, None, None, None, _largest_first(names), count))
    both = [name for name in was if name in now]
    for stage, tolerance in STAGE_TOLERANCES.items():
        distance = {name: _distance(was[name][stage], now[name][stage]) for name in both}
        allowed = {name: tolerance * _scale(stage, was[name]) for name in both}
        moved = _largest_first({n: d for n, d in distance.items() if not d <= allowed[n]})
        if moved:
            largest = moved[0][1]
            changes.append(Change(*at, stage, None, None, largest, tolerance, moved, len(both)))
    return changes


def _falls(at: tuple[str, str, str], was: dict[str, Any], now: dict[str, Any]) -> list[Change]:
    changes = []
    for metric, tolerance in METRIC_TOLERANCES.items():
        old, new = was["means"][metric], now["means"][metric]
        sign = -1 if metric in LARGER_IS_BETTER else 1
        if sign * (new - old) <= tolerance:
            continue
        place = NAMES.index(metric)
        scores = {
            name: (was["images"][name]["scores"], image["scores"])
            for name, image in now["images"].items()
            if name in was["images"]
            and min(len(was["images"][name]["scores"]), len(image["scores"])) > place
        }
        by = {name: sign * (b[place] - a[place]) for name, (a, b) in scores.items()}
        where = _largest_first({name: fall for name, fall in by.items() if fall > 0})
        by_all = sign * (new - old)
        changes.append(Change(*at, metric, old, new, by_all, tolerance, where, len(scores)))
    return changes


def _scale(stage: str, was: Mapping[str, Sequence[float]]) -> float:
    """How many times depth in metres predictions are: a disparity may be in thousands."""
    if stage != "prediction":
        return 1.0
    return max(1.0, max(map(abs, was[stage]), default=0.0) / FAR)


def _distance(was: Sequence[float], now: Sequence[float]) -> float:
    if len(was) != len(now):
        return math.inf
    return max((abs(a - b) for a, b in zip(was, now, strict=True)), default=0.0)


def _largest_first(moved: dict[str, float]) -> tuple[tuple[str, float], ...]:
    return tuple(sorted(moved.items(), key=lambda item: (-item[1], item[0])))
