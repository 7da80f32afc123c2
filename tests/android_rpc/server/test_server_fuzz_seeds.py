"""The servers' parsers: the fuzzer's kept seeds, and changed ones; `make fuzz` looks for more."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

CHANGED = "20000"
SERVERS = pytest.mark.parametrize("server", ["RPC", "DEMO"])


@SERVERS
def test_kept_seeds_do_no_harm(
    host_build: dict[str, Any],
    host_compiler: tuple[str, ...],
    fuzz_folder: Path,
    tmp_path: Path,
    server: str,
) -> None:
    target = host_build[server]
    seeds = sorted(map(str, target.seeds.iterdir()))
    assert seeds
    target.build(tmp_path / "replay", host_compiler, fuzz_folder / "replay.c")
    done = subprocess.run(
        [tmp_path / "replay", *seeds], cwd=tmp_path, stdout=subprocess.PIPE, text=True
    )
    assert done.returncode == 0, f"fails on {done.stdout.splitlines()[-1:]}"
    assert done.stdout.splitlines() == seeds
    assert not [path for path in tmp_path.iterdir() if path.is_dir()]


@SERVERS
def test_changed_seeds_do_no_harm(
    host_build: dict[str, Any],
    host_compiler: tuple[str, ...],
    fuzz_folder: Path,
    tmp_path: Path,
    server: str,
) -> None:
    target = host_build[server]
    seeds = sorted(map(str, target.seeds.iterdir()))
    target.build(tmp_path / "mutate", host_compiler, fuzz_folder / "mutate.c")
    done = subprocess.run(
        [tmp_path / "mutate", CHANGED, *seeds], cwd=tmp_path, stderr=subprocess.DEVNULL
    )
    assert done.returncode == 0
