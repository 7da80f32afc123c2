"""A model in another runtime's format: from the cache, or made now by a process of its own.

Converters change logging, the environment and registries where they are imported, print on
stdout, and crash: they are not let into this process.
"""

from __future__ import annotations

import ctypes
import hashlib
import importlib.metadata
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.models import Model
from depthbench.errors import InputError, ToolMissing

CONVERSION_S = 1200


def converted(model: Model, module: str, *, runtime: str, package: str, extra: str) -> Path:
    """What `python -m module MODEL.onnx RESULT` makes of a model; the cache keeps it.

    `package` is the PyPI name of the converter, `extra` what of depthbench installs it, and
    `runtime` names the runtime in messages. Raises ToolMissing without the package, InputError
    for a model that it cannot convert.
    """
    from depthbench.files import cache_folder

    try:
        version = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError as error:
        raise ToolMissing(
            f"{runtime}'s converter is not installed: pip install 'depthbench[{extra}]'"
        ) from error
    made_of = hashlib.sha256(f"{model.sha256} {version}".encode()).hexdigest()[:16]
    folder = cache_folder() / runtime.lower()
    result = folder / f"{model.name}-{made_of}.{runtime.lower()}"
    if result.is_file():
        return result
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".unfinished-") as scratch:
        fresh = Path(scratch) / result.name
        command = [sys.executable, "-m", module, str(model.path.absolute()), str(fresh)]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=CONVERSION_S, check=False
            )
        except subprocess.TimeoutExpired:
            raise InputError(f"{runtime} cannot convert {model.name} in {CONVERSION_S} s") from None
        if done.returncode or not fresh.is_file():
            last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no reason given"]
            raise InputError(f"{runtime} cannot convert {model.name}: {last[0][:300]}")
        fresh.replace(result)
    return result


def end_with_parent() -> None:
    """Let the kernel kill this process, a converter's, when the one that started it has ended."""
    die_with_parent = 1  # PR_SET_PDEATHSIG
    ctypes.CDLL(None).prctl(die_with_parent, signal.SIGKILL)
