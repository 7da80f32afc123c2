"""Ctrl-C and SIGTERM end a command even where an extension module swallows the exception.

Pressed again at once, they do not cut short the undoing of what was started, which the first has
begun; pressed later, when that hangs, they do.
"""

from __future__ import annotations

import signal
import time
from types import FrameType

PATIENCE_S = 10.0
_interrupted = False
_obeyed = -PATIENCE_S  # by the monotonic clock


def install() -> None:
    """Raise KeyboardInterrupt on SIGINT and SIGTERM, so that what was started is ended."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)


def interrupted() -> bool:
    """Whether a signal has come, whatever became of its exception."""
    return _interrupted


def check() -> None:
    """Raise KeyboardInterrupt once more if a signal has come; called at every line of progress."""
    if _interrupted:
        raise KeyboardInterrupt


def _interrupt(signum: int, frame: FrameType | None) -> None:
    global _interrupted, _obeyed
    now = time.monotonic()
    if _interrupted and now - _obeyed < PATIENCE_S:
        return
    _interrupted, _obeyed = True, now
    raise KeyboardInterrupt
