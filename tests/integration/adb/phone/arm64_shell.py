"""Where do the test phone's arm64 programs come from?

Android's shell is mksh and its other tools are much like busybox's. Debian has both for arm64 as
static programs. They are fetched with apt, which checks their signatures, into a folder of their
own: nothing is installed, and the machine's own package lists stay as they are.
"""

from __future__ import annotations

import fcntl
import shutil
import subprocess
import tempfile
from pathlib import Path

from depthbench.files import cache_folder

PACKAGES = {
    "mksh": "usr/lib/aarch64-linux-musl/bin/mksh",
    "busybox-static": "bin/busybox",
}


def find_programs() -> tuple[Path, Path]:
    """The paths of an arm64 mksh and an arm64 busybox, fetched when they are not in the cache."""
    folder = cache_folder() / "test-phone"
    folder.mkdir(parents=True, exist_ok=True)
    programs = [folder / Path(path).name for path in PACKAGES.values()]
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not all(program.is_file() for program in programs):
            _fetch(folder)
    return programs[0], programs[1]


def _fetch(folder: Path) -> None:
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        raise SystemExit(f"no apt here: put arm64 builds of mksh and busybox into {folder}")
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        work = Path(scratch)
        for name in ("lists/partial", "archives/partial"):
            (work / name).mkdir(parents=True)
        options = {
            "Dir::State::lists": work / "lists",
            "Dir::Cache": work,
            "APT::Architecture": "arm64",
            "APT::Architectures::": "arm64",
            "APT::Sandbox::User": "root",
            "Acquire::Languages": "none",
        }
        apt = ["apt-get", "-qq", *(f"-o{key}={value}" for key, value in options.items())]
        for step in (["update"], ["download", *(f"{name}:arm64" for name in PACKAGES)]):
            done = subprocess.run([*apt, *step], cwd=work, capture_output=True, text=True)
            if done.returncode:
                raise SystemExit(f"apt has no arm64 shell: {' '.join(done.stderr.split())}")
        for package, path in PACKAGES.items():
            (archive,) = work.glob(f"{package}_*.deb")
            subprocess.run(["dpkg-deb", "-x", archive, work / package], check=True)
            (work / package / path).rename(folder / Path(path).name)
