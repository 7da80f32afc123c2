"""`run_peer` as one file that Python runs, with the few modules of ours that it imports."""

from __future__ import annotations

import zipfile
from pathlib import Path

import bench

NAME = "run_peer.pyz"
MODULES = (
    "bench/measure/timing.py",
    "bench/peers/messages.py",
    "bench/peers/run_peer.py",
    "bench/runtimes/cache_line.py",
    "bench/runtimes/channel.py",
)
START = "from bench.peers.run_peer import main\n\nmain()\n"


def write_program(folder: Path) -> Path:
    """Write the program into `folder`; the same modules make the same bytes."""
    root = Path(bench.__file__).parents[1]
    packages = {f"{parent}/__init__.py" for name in MODULES for parent in Path(name).parents[:-1]}
    texts = {"__main__.py": START, **dict.fromkeys(sorted(packages), "")}
    texts |= {name: (root / name).read_text() for name in MODULES}
    path = folder / NAME
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in texts.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return path
