"""A sweep over what a search came by, for a chart of accuracy against cycles."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from bench.pruning.search import Search
from depthbench.files import write_whole
from depthnet import zoo
from depthnet.data import NAMES
from depthnet.export.onnx_export import export
from depthnet.weights.pretrained import open_network, origin_of

FILE = "sweep.toml"
STEPS = 3
"""How many networks between the first and the last are in the chart."""


def write_plan(search: Search, first: str, weights: Path, onnx: Path, data: str) -> Path:
    """Export some of a search's networks and write the plan that scores and counts them.

    `first`: what was pruned, a network's name or its `weights`; `onnx`: the result, which lies in
    the search's folder, as the plan does. Of steps that are called alike, by the same percentage
    of cycles as each other or as the result, one is in the plan or none.
    """
    folder = search.folder
    files = [] if first in zoo.names() else [_exported(weights, folder, 100)]
    last = len(search.state.steps)
    by_share = {search.share(number): number for number in range(1, last)}
    for ends in (100, search.share(last)):
        by_share.pop(ends, None)
    for number in evenly(list(by_share.values()), STEPS):
        step = search.weights(number)
        files.append(_exported(step, step.parent, search.share(number)))
    named = [first] if first in zoo.names() else []
    models = [*named, *(str(file.relative_to(folder)) for file in (*files, onnx))]
    place = Path(data)
    is_path = data not in NAMES and place.exists()
    lines = [
        f"# depthbench sweep {FILE}",
        f"models = {json.dumps(models)}",
        'precisions = ["fp32", "fp16", "int8"]',
        "",
        "[score]",
        # TOML knows no halves of characters, which JSON writes without this.
        f"data = {json.dumps(str(place.resolve()) if is_path else data, ensure_ascii=False)}",
    ]
    write_whole(folder / FILE, ("\n".join(lines) + "\n").encode())
    return folder / FILE


def evenly(numbers: Sequence[int], count: int) -> list[int]:
    """At most `count` of the numbers, spread evenly, without the ends where there are more."""
    if len(numbers) <= count:
        return list(numbers)
    return [numbers[(2 * k + 1) * len(numbers) // (2 * count)] for k in range(count)]


def _exported(weights: Path, folder: Path, share: int) -> Path:
    network, record = open_network(weights)
    path = folder / f"{network.entry.name}-{share}.onnx"
    export(network, origin_of(weights, record), path)
    return path
