"""`depthbench package`: what it prints, and what it refuses."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

Run = Callable[..., tuple[int, str, str]]


def test_a_package_is_made_and_reused(run: Run, make_depth_model: Callable[..., Path]) -> None:
    model = make_depth_model(12, 16)
    code, out, err = run("package", model, "--target", "host", "--weights", "file", "--json")
    assert code == 0, err
    made = json.loads(out)
    assert made["folder"] == f"out/{model.stem}-host-package"
    assert made["package"]["image"]["height"] == 12
    for name, entry in made["files"].items():
        assert (Path(made["folder"]) / name).stat().st_size == entry["bytes"]
    assert f"lib/{made['library']}.weights" in made["files"]
    code, out, err = run("package", model, "--target", "host", "--weights", "file")
    assert code == 0, err
    assert "before, and nothing has changed since" in out


def test_a_compile_target_is_no_platform(run: Run) -> None:
    code, out, err = run("package", "--target", "arm64-a76")
    assert (code, out) == (2, "")
    assert "unknown target 'arm64-a76'" in err
