"""Which code made a measurement: tool versions and git commit."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from depthbench.errors import ToolMissing
from depthbench.processes import run_program

TOOLS = (
    "depthbench",
    "apache-tvm",
    "apache-tvm-ffi",
    "ziglang",
    "onnx",
    "onnxruntime",
    "torch",
    "timm",
    "numpy",
)
ROOT = Path(__file__).resolve().parents[2]


@cache
def tool_versions() -> dict[str, str]:
    """The versions of the packages that can change a result; absent ones are left out."""
    versions = {}
    for name in TOOLS:
        try:
            versions[name] = version(name)
        except PackageNotFoundError:
            continue
    return versions


def git_state(root: Path = ROOT) -> dict[str, Any] | None:
    """Commit and dirty flag of the checkout that `root` is the top of; None when it is none.

    A package installed beneath some other repository must not be taken for its content, so the
    top has to be `root` itself.
    """
    top = _git(root, "rev-parse", "--show-toplevel")
    commit = _git(root, "rev-parse", "HEAD")
    status = _git(root, "status", "--porcelain")
    if not top or not commit or status is None or Path(top).resolve() != root.resolve():
        return None
    return {"commit": commit, "dirty": bool(status)}


def commit_of(folder: str, root: Path = ROOT) -> str | None:
    """The last commit that changed `folder` of the checkout; None where it differs from that."""
    if _git(root, "status", "--porcelain", "--", folder) != "":
        return None
    return _git(root, "log", "-1", "--format=%H", "--", folder) or None


def _git(root: Path, *arguments: str) -> str | None:
    try:
        return run_program(["git", "-C", str(root), *arguments], "git", timeout_s=10).output.strip()
    except ToolMissing:
        return None
