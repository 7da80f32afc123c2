"""Which content a data set has: one whose files were changed is another data set."""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from depthbench.errors import InputError
from depthbench.files import cache_folder, write_whole
from depthnet.data import data_folder

SETTLED_NS = 2_000_000_000
"""A file that was changed so shortly ago may change again and keep its times."""


@dataclass(frozen=True)
class Data:
    """A data set as of `depthnet.data.open_dataset`, and its `content_of`."""

    name: str
    content: str | None

    @property
    def settings(self) -> dict[str, Any]:
        """What a task says of it."""
        return {"data": self.name, "content": self.content}

    def check(self) -> None:
        """Raise InputError where this machine has another content by that name, or none."""
        try:
            same = content_of(self.name) == self.content
        except OSError:
            same = False
        if not same:
            raise InputError(
                f"data set {self.name}: not the files that it had when the sweep began",
                advice="run the sweep again; on a cluster, have the same files on all machines",
            )


def whole_name(data: str, folder: Path) -> str:
    """The name of a data set; of one that is files of the user's, the whole path from `folder`."""
    path = folder / Path(data).expanduser()
    named = data == "nyu" or _is_rendered(data) or not data or not path.exists()
    return data if named else os.path.abspath(path)


def content_of(data: str) -> str | None:
    """SHA-256 over the names, sizes and bytes of a data set's files; None where it is rendered.

    `data` is as of `depthnet.data.open_dataset`. A file is read again only where its size or one
    of its times has changed. Raises OSError.
    """
    if _is_rendered(data):
        return None
    root = data_folder() / "nyu" if data == "nyu" else Path(data)
    memory = cache_folder() / "data" / f"{hashlib.sha256(str(root).encode()).hexdigest()[:16]}.json"
    known = _read(memory)
    found = {str(path): _look(path, known.get(str(path))) for path in _files(root)}
    now = time.time_ns()
    settled = {name: one for name, one in found.items() if now - max(one["times"]) > SETTLED_NS}
    if settled != known:
        with suppress(OSError):  # without it, all is read again next time
            write_whole(memory, json.dumps(settled).encode())
    whole = hashlib.sha256()
    for name in sorted(found):
        told = [os.path.relpath(name, root), found[name]["size"], found[name]["sha256"]]
        whole.update(json.dumps(told).encode())
    return whole.hexdigest()


def _is_rendered(data: str) -> bool:
    return data.partition(":")[0] == "rooms"


def _files(root: Path) -> Iterator[Path]:
    """Those of a folder, or the one file, through links to folders too, but not for ever."""
    if not root.is_dir():
        yield root
        return
    seen = set()
    for folder, inside, names in os.walk(root, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:
            inside.clear()
            continue
        seen.add(real)
        yield from (Path(folder, name) for name in names)


def _look(path: Path, known: Any) -> dict[str, Any]:
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        now = {"size": status.st_size, "times": [status.st_mtime_ns, status.st_ctime_ns]}
        if isinstance(known, dict) and now == {key: known.get(key) for key in now}:
            return known
        return {**now, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def _read(memory: Path) -> dict[str, Any]:
    try:
        found = json.loads(memory.read_bytes())
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
