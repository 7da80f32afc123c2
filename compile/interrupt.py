"""Keep Ctrl-C what it is through TVM."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType

from depthbench import cancellation

_received = 0


@contextlib.contextmanager
def restored() -> Iterator[None]:
    """Raise KeyboardInterrupt again where TVM made a RuntimeError of it.

    TVM's calls look for signals and report an interrupt as a RuntimeError without a message. It is
    one where SIGINT has arrived meanwhile, or the work of this process was cancelled.
    """
    before = _received
    try:
        with _noticed():
            yield
    except RuntimeError as error:
        interrupted = _received > before or cancellation.cancelled()
        if str(error).strip() or not interrupted:
            raise
        raise KeyboardInterrupt from error


@contextlib.contextmanager
def _noticed() -> Iterator[None]:
    """Take note of SIGINT where Python's own handler would; others cancel the work themselves."""
    handler = signal.getsignal(signal.SIGINT)
    here = threading.current_thread() is threading.main_thread()
    if not here or handler is not signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, _notice)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, handler)


def _notice(signum: int, frame: FrameType | None) -> None:
    global _received
    _received += 1
    signal.default_int_handler(signum, frame)
