"""Ctrl-C and SIGTERM end a command even where an extension module swallows the exception.

Pressed again at once, they do not cut short the undoing of what was started, which the first has
begun; pressed later, when that hangs, they do.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from functools import cache
from types import FrameType

from depthbench import cancellation

PATIENCE_S = 10.0
REPEAT_S = 0.2
_obeyed = -PATIENCE_S  # by the monotonic clock


def install() -> None:
    """Cancel and raise KeyboardInterrupt on SIGINT and SIGTERM, so that what was started ends."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, _interrupt)
    _repeat_until_obeyed()


def _interrupt(signum: int, frame: FrameType | None) -> None:
    global _obeyed
    now = time.monotonic()
    if cancellation.cancelled() and now - _obeyed < PATIENCE_S:
        return
    cancellation.cancel()
    _obeyed = now
    raise KeyboardInterrupt


@cache
def _repeat_until_obeyed() -> None:
    """Start the thread that sends a signal again while Python has not handled it.

    Python handles a signal between two of its instructions. One that arrives just before an
    extension module waits, or in another thread, does not wake that wait: handled it is only when
    the wait ends, and a device may never answer.
    """
    arrived, arrives = os.pipe()
    os.set_blocking(arrives, False)
    signal.set_wakeup_fd(arrives, warn_on_full_buffer=False)
    # a child shares the pipe: its signals are not for this process
    os.register_at_fork(after_in_child=lambda: signal.set_wakeup_fd(-1))
    threading.Thread(target=_repeat, args=(arrived,), daemon=True).start()


def _repeat(arrived: int) -> None:
    main = threading.main_thread().ident
    while main and (numbers := os.read(arrived, 1)):
        time.sleep(REPEAT_S)
        ours = signal.getsignal(numbers[0]) is _interrupt  # training has a handler of its own
        if ours and not cancellation.cancelled():
            signal.pthread_kill(main, numbers[0])
