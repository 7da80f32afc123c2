"""The results of tasks by their keys, each whole or not there."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from bench.sweep.result import is_whole
from depthbench.files import make_folder

SCRATCH = ".scratch-"


class Store:
    """A folder of results, `root/KEY/`; several sweeps may use it at a time."""

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()  # tools of a step run in folders of their own

    def has(self, key: str) -> bool:
        """Whether the result is there, and whole: somebody may have been in its folder."""
        return is_whole(self.folder(key))

    def folder(self, key: str) -> Path:
        """Where the result is, or will be."""
        return self.root / key

    def put(self, key: str, made: Path, instead: bool = False) -> Path:
        """Move the folder `made`, of the same disk, into place.

        A whole result that is there stays, or goes where this comes `instead`.
        """
        place = self.folder(key)
        try:
            os.rename(made, place)
        except OSError:
            if self.has(key) and not instead:
                shutil.rmtree(made)
            else:
                shutil.rmtree(place, ignore_errors=True)
                os.rename(made, place)
        return place

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        """A folder beside the results to make them in; it goes with the block.

        Those that a killed sweep left behind go too.
        """
        make_folder(self.root)
        with FileLock(self.root / ".lock"):
            for left in self.root.glob(f"{SCRATCH}*"):
                _remove_unless_used(left)
            folder = Path(tempfile.mkdtemp(prefix=SCRATCH, dir=self.root))
            in_use = _lock(folder)
            in_use.acquire()
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)
            in_use.release()


def _lock(folder: Path) -> FileLock:
    return FileLock(folder / "in-use", timeout=0)


def _remove_unless_used(folder: Path) -> None:
    try:
        with _lock(folder):
            shutil.rmtree(folder, ignore_errors=True)
    except (Timeout, FileNotFoundError):  # in use, or gone by itself just now
        return
