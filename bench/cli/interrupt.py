"""Ctrl-C and SIGTERM end a command even where an extension module swallows the exception.

Pressed again at once, they do not cut short the undoing of what was started, which the first has
begun; pressed later, when that hangs, they do.
"""

from __future__ import annotations

import signal
import time
from types import FrameType

from depthbench import cancellation

PATIENCE_S = 10.0
_obeyed = -PATIENCE_S  # by the monotonic clock


def install() -> None:
    """Cancel and raise KeyboardInterrupt on SIGINT and SIGTERM, so that what was started ends."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)


def _interrupt(signum: int, frame: FrameType | None) -> None:
    global _obeyed
    now = time.monotonic()
    if cancellation.cancelled() and now - _obeyed < PATIENCE_S:
        return
    cancellation.cancel()
    _obeyed = now
    raise KeyboardInterrupt
