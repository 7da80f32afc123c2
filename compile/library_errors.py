"""What TVM and ONNX raise, as one line: they raise whatever they meet in a model."""

from __future__ import annotations

import contextlib
import os
import traceback
from collections.abc import Iterator

from compile import interrupt
from depthbench.errors import DepthbenchError, InputError
from depthbench.one_line import one_line


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
