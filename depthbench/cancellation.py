"""Stops the long work of this process between two of its steps.

A signal raises KeyboardInterrupt in the main thread, but extension modules may swallow it, and
other threads never see it. Whoever handles signals therefore calls `cancel`, and long loops call
`check` once a step.
"""

from __future__ import annotations

_cancelled = False


def cancel() -> None:
    """Cancel all work under way, in every thread; safe to call from a signal handler."""
    global _cancelled
    _cancelled = True


def reset() -> None:
    """Allow new work after a cancellation, in a program that goes on."""
    global _cancelled
    _cancelled = False


def cancelled() -> bool:
    """Whether the work of this process has been cancelled."""
    return _cancelled


def check() -> None:
    """Raise KeyboardInterrupt if the work of this process has been cancelled."""
    if _cancelled:
        raise KeyboardInterrupt
