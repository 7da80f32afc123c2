"""The folder that predictions go to: names that never meet, and what is written whole."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Any

from bench.records.record import append_record
from depthbench.errors import InputError
from depthbench.files import write_whole

LIST = "predictions.jsonl"
SUFFIXES = {
    "colour": "-depth.png",
    "mm": "-depth-mm.png",
    "npy": "-depth.npy",
    "ply": "-depth.ply",
    "video": "-depth.mp4",
}
"""What a file's name ends with, by its format."""

FRAMES = "-frames"
"""What the folder of a video's single frames ends with."""

STILL = re.compile(r"\d{6,}-depth(-mm)?\.(png|npy|ply)")


class OutputFolder:
    """A folder of predictions. Its list says of which input each file is.

    A file is replaced only by another prediction of the same input: what lies there of anything
    else keeps its name, and the new one gets a number.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._owners = _read_owners(folder / LIST)
        self._there = [path.name for path in folder.iterdir()] if folder.is_dir() else []
        self._given: dict[str, str] = {}

    def name_for(self, stem: str, identity: str) -> str:
        """What the names of an input's files begin with: its stem, or that with a number.

        `identity` tells the input from all others. Some disks take capitals for small letters.
        """
        for number in count(1):
            name = stem if number == 1 else f"{stem}-{number}"
            if self._free(name.lower(), identity):
                self._given[name.lower()] = identity
                return name
        raise AssertionError("there is always a next number")

    def holds(self, path: Path) -> bool:
        """Whether a file is a prediction that lies here."""
        return path.name in self._owners and path.parent.resolve() == self.folder.resolve()

    def write(self, name: str, content: bytes) -> str:
        """Write a file, whole or not at all; gives its path."""
        path = self.folder / name
        write_whole(path, content)
        return str(path)

    def clear(self, name: str) -> str:
        """A folder for single frames, without those of an earlier prediction; gives its path."""
        path = self.folder / name
        for file in path.glob("*"):
            if STILL.fullmatch(file.name):
                file.unlink()
        return str(path)

    def add(self, identity: str, document: Mapping[str, Any]) -> None:
        """Note what was written of an input: `document` lists its `files`."""
        append_record(self.folder / LIST, {"identity": identity, **document})

    def _free(self, name: str, identity: str) -> bool:
        ours = {f"{name}{suffix}" for suffix in (*SUFFIXES.values(), FRAMES)}
        return self._given.get(name, identity) == identity and all(
            self._owners.get(there) == identity for there in self._there if there.lower() in ours
        )


def _read_owners(path: Path) -> dict[str, str]:
    """The input of every file that the list names; the last line counts."""
    owners: dict[str, str] = {}
    if not path.is_file():
        return owners
    for line in path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True):
        if not line.endswith("\n"):  # its writer was killed
            continue
        try:
            entry = json.loads(line)
            owners |= {Path(file).name: str(entry["identity"]) for file in entry["files"]}
        except (ValueError, TypeError, KeyError) as error:
            raise InputError(
                f"{path}: not the list of predictions", advice="give another --output"
            ) from error
    return owners
