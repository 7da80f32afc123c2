"""Keep Ctrl-C what it is through TVM."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator


@contextlib.contextmanager
def restored() -> Iterator[None]:
    """Raise KeyboardInterrupt again where TVM made a RuntimeError of it.

    TVM's calls look for signals and report an interrupt as a RuntimeError without a message,
    which its own errors never are.
    """
    try:
        yield
    except RuntimeError as error:
        if str(error).strip():
            raise
        raise KeyboardInterrupt from error
