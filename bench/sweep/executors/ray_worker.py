"""What a worker of a Ray cluster does for a sweep."""

from __future__ import annotations

import os
import platform
import socket
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.records.provenance import tool_versions
from bench.sweep.code_version import SOURCES, code_version
from bench.sweep.executors.folder_bytes import pack, unpack
from bench.sweep.store import Store
from bench.sweep.task import Task, as_told
from depthbench.errors import DepthbenchError
from depthbench.files import cache_folder

Run = Callable[[Task, Mapping[str, Path], Path], None]
"""`run_task`, or what stands in for it."""


def carry_out(
    run: Run, task: Task, *inputs: bytes
) -> Iterator[str | tuple[bytes | DepthbenchError, float]]:
    """Carry out a task as `run` does; `inputs` are the folders of its inputs, in their order.

    Yields where, as it begins, and then what it made, a folder or an error, and the seconds.
    """
    yield place()
    begun = time.monotonic()
    made = _made(run, task, inputs)
    yield made, time.monotonic() - begun


def _made(run: Run, task: Task, inputs: Sequence[bytes]) -> bytes | DepthbenchError:
    # What a killed worker leaves in it goes when the next begins.
    with Store(cache_folder() / "sweep").scratch() as scratch:
        folders = {key: scratch / key for key in task.inputs}
        for folder, content in zip(folders.values(), inputs, strict=True):
            unpack(content, folder)
        out = scratch / "out"
        out.mkdir()
        try:
            with _temporary_files_in(scratch):
                run(task, folders, out)
        except Exception as error:
            return as_told(error)
        return pack(out)


@contextmanager
def _temporary_files_in(folder: Path) -> Iterator[None]:
    before = os.environ.get("TMPDIR")
    os.environ["TMPDIR"], tempfile.tempdir = str(folder), None
    try:
        yield
    finally:
        del os.environ["TMPDIR"]
        if before is not None:
            os.environ["TMPDIR"] = before
        tempfile.tempdir = None


def place() -> str:
    """The node that this runs on, in words."""
    import ray

    return f"{socket.gethostname()}, node {ray.get_runtime_context().get_node_id()[:6]}"


def installation() -> dict[str, str]:
    """What has to be the same on all machines of a sweep, by what it is called."""
    sources = {f"code of {kind}": code_version(kind)[:12] for kind in SOURCES}
    return {"Python": platform.python_version(), **tool_versions(), **sources}
