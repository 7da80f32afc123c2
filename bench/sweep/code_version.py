"""Which code computes a step of a sweep: results of other code are computed again."""

from __future__ import annotations

import hashlib
import sys
from functools import cache
from pathlib import Path

from bench.records.provenance import tool_versions

ROOT = Path(__file__).resolve().parents[2]
ENDINGS = {".py", ".c", ".h", ".json"}
STEPS = "bench/sweep/steps.py"
SOURCES = {
    "export": ("depthnet", "bench/models.py", "bench/model_card.py"),
    "quantise": ("depthnet", "compile/onnx", "bench/model_card.py", "bench/quantise.py"),
    "compile": ("compile", "bench/models.py"),
    "score": ("depthnet", "bench/accuracy", "bench/runtimes", "bench/model_card.py"),
    "cost": ("android_rpc/bundle", "bench/cost", "bench/measure/agreement.py", "bench/peers"),
    "measure": ("android_rpc", "bench/measure", "bench/runtimes", "compile"),
}
"""By kind of step, the files and folders whose code decides the result beside its inputs."""


@cache
def code_version(kind: str) -> str:
    """SHA-256 of the sources that compute a kind of step, and of the versions of their tools."""
    python = ".".join(map(str, sys.version_info[:2]))
    digest = hashlib.sha256(f"{python} {sorted(tool_versions().items())}".encode())
    for name in (STEPS, *SOURCES[kind]):
        for file in _files(ROOT / name):
            digest.update(f"{file.relative_to(ROOT)}\n".encode() + file.read_bytes())
    return digest.hexdigest()


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    return sorted(file for file in path.rglob("*") if file.suffix in ENDINGS)
