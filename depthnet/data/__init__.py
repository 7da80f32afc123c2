"""Pairs of an RGB image and its depth map in metres, from files or rendered on the fly."""

from __future__ import annotations

import os
import re
from pathlib import Path

from depthbench.errors import InputError
from depthbench.suggest import did_you_mean
from depthnet.data.pair import DepthDataset, DepthPair

__all__ = ["DepthDataset", "DepthPair", "data_folder", "open_dataset"]

NAMES = ("nyu", "rooms")
ACCEPTED = (
    "accepted: rooms, rooms:SEED, nyu, or a path: a folder with rgb/ and depth/ or pairs.csv, or "
    "NYU Depth v2 (a folder with split.csv, nyu_depth_v2_labeled.mat, nyu_data.zip, nyu_test.zip)"
)


def data_folder() -> Path:
    """The folder of data sets: `DEPTHBENCH_DATA`, or `shared` beside the checkout."""
    given = os.environ.get("DEPTHBENCH_DATA")
    return Path(given) if given else Path(__file__).resolve().parents[3] / "shared"


def open_dataset(spec: str, split: str = "test", limit: int | None = None) -> DepthDataset:
    """Open a data set by name or path, without reading its images yet.

    `spec`: `rooms` or `rooms:SEED` (rendered, any machine, seed 0 by default), `nyu` (the `nyu`
    folder of `data_folder()`), or a path: a folder as `OwnPairs` reads it, or any layout that
    `depthnet.data.nyu` reads.
    `split`: `train` or `test`. `limit`: only the first so many pairs. Raises InputError for an
    unknown name or split, a missing or incomplete folder, an empty split, a limit below 1.
    """
    if limit is not None and limit < 1:
        raise InputError(f"limit {limit}", advice="ask for at least 1 image")
    if rooms := re.fullmatch(r"rooms(?::(\d{1,9}))?", spec):
        from depthnet.data.rooms.dataset import RoomsDataset

        return RoomsDataset(seed=int(rooms[1] or 0), split=split, limit=limit)
    from depthnet.data.nyu import open_nyu

    if spec == "nyu":
        folder = data_folder() / "nyu"
        if not folder.is_dir():
            raise InputError(
                f"data set nyu: no folder {folder}",
                advice="set DEPTHBENCH_DATA to the folder that holds nyu/, give the path itself, "
                "or use rooms, which needs no files",
            )
        return open_nyu(folder, split, limit)
    path = Path(spec).expanduser()
    if spec and path.exists():
        from depthnet.data.own_pairs import OwnPairs

        return (OwnPairs if OwnPairs.found_in(path) else open_nyu)(path, split, limit)
    if spec.startswith("rooms:"):
        raise InputError(f"data set {spec!r}: the seed is a whole number, as in rooms:7")
    advice = did_you_mean(spec, NAMES, ACCEPTED)
    raise InputError(f"data set {spec!r}: no such name or path", advice=advice)
