"""One open handle a process, shared by its threads."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class PerProcess(Generic[T]):
    """A handle opened at first use, and opened anew in every process that inherits it.

    Forked or unpickled workers must not share a file position (zip) or a library's state
    (HDF5) with their parent, and threads must not seek at once; so the handle is used as
    `with per_process.use() as handle:`, one thread at a time.
    """

    def __init__(self, open_handle: Callable[[], T]) -> None:
        self._open = open_handle
        self._handle: T | None = None
        self._lock = Lock()
        self._pid = os.getpid()

    @contextmanager
    def use(self) -> Iterator[T]:
        """Lend the handle to this thread."""
        if self._pid != os.getpid():
            self._forget()
        with self._lock:
            if self._handle is None:
                self._handle = self._open()
            yield self._handle

    def _forget(self) -> None:
        # The lock too: a fork may have copied it while another thread held it.
        self._handle, self._lock, self._pid = None, Lock(), os.getpid()

    def __getstate__(self) -> dict[str, Any]:
        return {"_open": self._open}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self._open = state["_open"]
        self._forget()
