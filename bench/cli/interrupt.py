"""Ctrl-C and SIGTERM end a command even where an extension module swallows the exception."""

from __future__ import annotations

import signal
from types import FrameType

_interrupted = False


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
    global _interrupted
    _interrupted = True
    raise KeyboardInterrupt
