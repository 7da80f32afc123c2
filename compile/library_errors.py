"""What is raised about a model, by TVM, by ONNX or here, as one line that says where."""

from __future__ import annotations

import contextlib
import os
import re
import tempfile
import threading
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from compile import interrupt
from depthbench.errors import DepthbenchError, InputError
from depthbench.one_line import one_line

if TYPE_CHECKING:
    import onnx

_STANDARD_ERROR = 2
# The form of TVM's log: the time, then where in its source.
_LOGGED = re.compile(rb"\[\d\d:\d\d:\d\d\] \S+:\d+: ")
_one_at_a_time = threading.RLock()


@contextlib.contextmanager
def as_input_error(what: str) -> Iterator[None]:
    """Raise InputError, `what` and the cause in one line, for whatever else is raised."""
    try:
        with interrupt.restored(), np.errstate(all="ignore"):
            yield
    except DepthbenchError:
        raise
    except Exception as error:
        free_frames(error)
        raise InputError(f"{what}: {one_line(error)}") from error


@contextlib.contextmanager
def naming_node(path: Path, node: onnx.NodeProto, opset: int) -> Iterator[None]:
    """Raise an InputError about a node with the model's and the node's names before it."""
    try:
        yield
    except InputError as error:
        place = node.name or ", ".join(node.output)
        raise InputError(
            f"{path}: operator {node.op_type} (node {place!r}, opset {opset}) cannot be "
            f"compiled: {error.message}",
            advice=error.advice,
        ) from error


def free_frames(error: Exception) -> None:
    """Free what a failure left half built: TVM warns of that."""
    with silenced():
        traceback.clear_frames(error.__traceback__)


@contextlib.contextmanager
def silenced() -> Iterator[None]:
    """Leave out what TVM's C++ code logs: warnings for its developers, on the descriptor itself.

    What else is written to standard error meanwhile is there afterwards.
    """
    with _one_at_a_time, tempfile.TemporaryFile() as written:
        kept = os.dup(_STANDARD_ERROR)
        os.dup2(written.fileno(), _STANDARD_ERROR)
        try:
            yield
        finally:
            os.dup2(kept, _STANDARD_ERROR)
            os.close(kept)
            written.seek(0)
            for line in written:
                if not _LOGGED.match(line):
                    os.write(_STANDARD_ERROR, line)
