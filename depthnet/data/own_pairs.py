"""One's own pairs of image and depth: two folders of files of the same names, or a list."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path

from depthbench.errors import InputError
from depthnet.data.depth_file import SUFFIXES, read_depth
from depthnet.data.image_file import read_rgb
from depthnet.data.pair import DepthPair, make_pair
from depthnet.data.splits import SPLITS, at, check_split, take

LIST = "pairs.csv"
COLUMNS = ("image", "depth", "split", "scale")
IMAGE_FOLDERS = ("rgb", "image", "images", "color", "colour")
DEPTH_FOLDERS = ("depth", "depth16", "depths")
IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff", ".ppm")
LAYOUTS = f"a folder with {LIST}, or with rgb/ and depth/, whose files have the same names"


@dataclass(frozen=True)
class Member:
    """A pair's name and files; `scale` is the metres of one level or unit, None by the format."""

    name: str
    image: Path
    depth: Path
    scale: float | None = None


class OwnPairs:
    """The pairs of `pairs.csv`, else those of an image folder and `depth/`, by name.

    The list has the columns `image` and `depth`, files as seen from the folder, and may have
    `split` and `scale`, the metres of one level or unit of the depth file. Folders may lie in
    `train/` and `test/`. Pairs that are of no split are of `test`. Depth is as `read_depth` takes
    it. Raises InputError for an incomplete pair or list, and for a split without a pair.
    """

    def __init__(self, folder: Path, split: str = "test", limit: int | None = None) -> None:
        self.name = folder.resolve().name
        self.split = check_split(split)
        found = _listed(folder, split) if (folder / LIST).is_file() else _found(folder, split)
        self._members = take(found, limit, split, folder)
        for member in self._members:
            for path in (member.image, member.depth):
                if not path.is_file():
                    raise InputError(
                        f"{path}: no such file: the pair is incomplete", advice="add the file"
                    )

    @staticmethod
    def found_in(folder: Path) -> bool:
        """Whether the folder has such a list or such folders."""
        places = (folder, *(folder / split for split in SPLITS))
        return (folder / LIST).is_file() or any(map(_pair_of_folders, places))

    def __len__(self) -> int:
        return len(self._members)

    def __getitem__(self, index: int) -> DepthPair:
        member = at(self._members, index)
        depth = read_depth(member.depth, member.scale)
        return make_pair(member.name, read_rgb(member.image, member.image), depth, member.depth)


def _pair_of_folders(folder: Path) -> tuple[Path, Path] | None:
    """The folder of images and that of depth."""
    images, depths = (
        next((folder / one for one in names if (folder / one).is_dir()), None)
        for names in (IMAGE_FOLDERS, DEPTH_FOLDERS)
    )
    return (images, depths) if images and depths else None


def _found(folder: Path, split: str) -> list[Member]:
    inside = any(_pair_of_folders(folder / one) for one in SPLITS)
    folders = _pair_of_folders(folder / split if inside else folder)
    if folders is None or (not inside and split != "test"):
        return []
    pictures = _by_name(folders[0], IMAGE_SUFFIXES)
    depths = _by_name(folders[1], SUFFIXES)
    for ours, others, where in ((pictures, depths, folders[1]), (depths, pictures, folders[0])):
        if missing := next((name for name in ours if name not in others), None):
            raise InputError(
                f"{ours[missing]}: no file of this name in {where}",
                advice=f"add it, remove this one, or list the pairs in {folder / LIST}",
            )
    return [Member(name, pictures[name], depths[name]) for name in sorted(pictures)]


def _by_name(folder: Path, suffixes: Sequence[str]) -> dict[str, Path]:
    """The files with one of the suffixes by their name without it."""
    found: dict[str, Path] = {}
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in suffixes or path.name.startswith("."):
            continue
        if (other := found.setdefault(path.stem, path)) is not path:
            raise InputError(f"{path}: {other.name} has the same name", advice="remove one")
    return found


def _listed(folder: Path, split: str) -> list[Member]:
    table = folder / LIST
    try:
        with table.open(newline="", encoding="utf-8-sig") as lines:
            reader = csv.DictReader(lines, skipinitialspace=True, strict=True)
            names = reader.fieldnames or ()
            for column in names:
                if column not in COLUMNS:
                    raise InputError(
                        f"{table}: no column {column!r}", advice=f"there are {', '.join(COLUMNS)}"
                    )
            rows = [(reader.line_num, row) for row in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{table}: not a CSV file", advice="write one row a pair") from error
    members = []
    for number, row in rows:
        where = f"{table}, line {number}"
        image, depth = row.get("image"), row.get("depth")
        if not image or not depth or None in row:
            raise InputError(f"{where}: no pair", advice="give an image and a depth file")
        if check_split(row.get("split") or "test") == split:
            name = Path(image).with_suffix("").as_posix()
            scale = _scale(row.get("scale"), where)
            members.append(Member(name, folder / image, folder / depth, scale))
    return members


def _scale(text: str | None, where: str) -> float | None:
    if not text:
        return None
    try:
        scale = float(text)
    except ValueError:
        scale = 0.0
    if not (isfinite(scale) and scale > 0):
        raise InputError(f"{where}: scale {text!r} is no number of metres", advice="write 0.001")
    return scale
