"""Debian's packages for arm64, unpacked on this machine to be emulated.

They are fetched by apt from the user's own mirror, and only unpacked. Nothing is installed into
the system.
"""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from depthbench.errors import ToolMissing
from depthbench.files import cache_folder, make_folder
from depthbench.processes import run_program
from depthbench.progress import Progress

LIMIT_S = 1800


def unpacked(
    name: str,
    what: str,
    packages: Sequence[str],
    files: Mapping[str, str],
    progress: Progress = lambda line: None,
) -> Path:
    """A root with `packages`, all that they need, and text `files`; from the cache, or made now.

    `name` is the folder's, `what` what it is called in messages. Raises ToolMissing, in one line,
    when apt cannot get its packages for arm64.
    """

    def make(scratch: Path) -> Path:
        progress(f"fetching {what} for arm64")
        root = scratch / "root"
        for package in _download(scratch, what, packages):
            unpack = ["dpkg-deb", "-x", str(package), str(root)]
            run_program(unpack, "dpkg-deb cannot unpack a package", timeout_s=LIMIT_S)
        for file, text in files.items():
            make_folder((root / file).parent)
            (root / file).write_text(text)
        return root

    return kept(name, (tuple(packages), dict(files)), make)


def kept(name: str, made_of: object, make: Callable[[Path], Path]) -> Path:
    """The folder `name` that is made of that: from the cache, or what `make` makes now.

    `make` gets a folder to work in, and returns the finished one within it; another process may be
    faster.
    """
    digest = hashlib.sha256(repr(made_of).encode()).hexdigest()[:16]
    place = cache_folder() / "cost" / f"arm64-{name}-{digest}"
    if place.is_dir():
        return place
    make_folder(place.parent)
    with tempfile.TemporaryDirectory(dir=place.parent, prefix=".unfinished-") as scratch:
        fresh = make(Path(scratch))
        try:
            fresh.rename(place)
        except OSError:
            if not place.is_dir():
                raise
    return place


def _download(scratch: Path, what: str, packages: Sequence[str]) -> list[Path]:
    """The packages with all that they need, from the sources that this machine's apt knows."""
    if shutil.which("apt-get") is None:
        raise ToolMissing(f"{what} for arm64 comes from Debian's packages: apt-get is needed")
    state, cache = scratch / "state", scratch / "cache"
    (state / "lists" / "partial").mkdir(parents=True)
    (cache / "archives" / "partial").mkdir(parents=True)
    (state / "status").touch()
    apt = ["apt-get", "-qq", "-o", "APT::Architecture=arm64", "-o", "APT::Architectures=arm64"]
    apt += ["-o", f"Dir::State={state}", "-o", f"Dir::State::status={state / 'status'}"]
    apt += ["-o", f"Dir::Cache={cache}", "-o", "Acquire::Languages=none"]
    apt += ["-o", "APT::Sandbox::User="]
    # a source without arm64 fails here; whether Debian's has it shows below
    problem = f"apt cannot get {what} for arm64"
    run_program([*apt, "update"], problem, check=False, timeout_s=LIMIT_S)
    run_program(
        [*apt, "install", "--yes", "--download-only", "--no-install-recommends", *packages],
        problem,
        timeout_s=LIMIT_S,
    )
    return sorted((cache / "archives").glob("*.deb"))
