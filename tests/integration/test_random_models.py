"""Few random models agree, and few harmed files are answered in one line; always the same ones."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

BENCHMARKS = Path(__file__).parents[2] / "benchmarks"


def run(benchmark: str, *options: str) -> dict[str, Any]:
    command = [sys.executable, str(BENCHMARKS / f"{benchmark}.py"), *options, "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def test_random_operators_agree_or_are_refused() -> None:
    found = run("random_operators", "--models", "60", "--seed", "7")
    assert found["models"] == 60
    assert found["agreed"] >= 50
    assert not found["failed the check, why"]
    assert not found["silently wrong, why"]
    assert not found["internal error, why"]


def test_harmed_files_are_answered_in_one_line() -> None:
    found = run("mutated_models", "--files", "100", "--seed", "7")
    assert found["exit 0"] + found["exit 1"] + found["exit 2"] == 100, found["bad"]
    assert found["exit 2"] > 50
