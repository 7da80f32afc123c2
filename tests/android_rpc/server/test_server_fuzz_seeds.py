"""The kept seeds of the fuzzer, once through the server's parsers; `make fuzz` looks for more."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any


def test_kept_seeds_do_no_harm(
    host_build: dict[str, Any], host_compiler: tuple[str, ...], fuzz_folder: Path, tmp_path: Path
) -> None:
    seeds = sorted(map(str, (fuzz_folder / "seeds").iterdir()))
    assert seeds
    host_build["build_fuzz_target"](tmp_path / "replay", host_compiler, fuzz_folder / "replay.c")
    done = subprocess.run(
        [tmp_path / "replay", *seeds], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    assert done.returncode == 0, f"fails on {done.stdout.splitlines()[-1:]}"
    assert done.stdout.splitlines() == seeds
    assert not list(tmp_path.glob("workspace-*"))
