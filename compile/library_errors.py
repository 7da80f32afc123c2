"""What is raised about a model, by TVM, by ONNX or here, as one line that says where."""

from __future__ import annotations

import contextlib
import os
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from compile import interrupt
from depthbench.errors import DepthbenchError, InputError
from depthbench.one_line import one_line

if TYPE_CHECKING:
    import onnx


@contextlib.contextmanager
def as_input_error(what: str) -> Iterator[None]:
    """Raise InputError, `what` and the cause in one line, for whatever else is raised."""
    try:
        with interrupt.restored():
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
    """Free what a failure left half built: TVM warns of that, on the descriptor itself."""
    standard_error = 2
    with open(os.devnull, "wb") as nothing:
        kept = os.dup(standard_error)
        os.dup2(nothing.fileno(), standard_error)
        try:
            traceback.clear_frames(error.__traceback__)
        finally:
            os.dup2(kept, standard_error)
            os.close(kept)
