"""Every network by name: one entry a row of the paper's tables."""

from __future__ import annotations

import difflib
from dataclasses import dataclass, field

from depthnet.depth_space import DepthSpace
from depthnet.errors import InputError


@dataclass(frozen=True)
class Entry:
    """One network: its parts, and what the paper prints of it.

    `printed` holds the table's figures: weights in millions, MACs in 10^9, RMSE in metres,
    latency in milliseconds on one Cortex-A76 at 2.6 GHz. `open` says which part of the
    definition the paper leaves open and was chosen because the printed figures then come out.
    """

    name: str
    description: str
    table: str
    row: str
    encoder: str
    widths: tuple[int, ...]
    depth_space: DepthSpace = "inverse"
    input_size: tuple[int, int] = (224, 224)
    printed: dict[str, float] = field(default_factory=dict)
    open: str = ""


ENTRIES = (
    Entry(
        name="mobiledepth",
        description="RegNetY-006 encoder, SplitShuffle decoder, additive skips 2, 3, 4",
        table="IX",
        row="SplitShuffle (E)",
        encoder="regnety_006",
        widths=(440, 256, 112, 48, 32),
        printed={
            "weights_m": 6.43,
            "macs_g": 0.70,
            "rmse": 0.497,
            "delta1": 0.827,
            "rel": 0.137,
            "cpu_ms": 62,
        },
        open="the first block's width: 438 to 440 fit; the block's depthwise kernel: 3x3 fits",
    ),
)

FLAGSHIP = "mobiledepth"


def names() -> list[str]:
    """The names of all networks, in the order of the paper."""
    return [entry.name for entry in ENTRIES]


def get(name: str) -> Entry:
    """The entry called `name`; raises InputError with the nearest name when there is none."""
    for entry in ENTRIES:
        if entry.name == name:
            return entry
    near = difflib.get_close_matches(name, names(), n=1)
    hint = f"did you mean '{near[0]}'?" if near else "`depthbench models` lists them"
    raise InputError(f"unknown network '{name}': {hint}")
