from __future__ import annotations

import os
import pickle
from functools import partial
from pathlib import Path

from depthnet.data.per_process import PerProcess


def test_one_handle_a_process(tmp_path: Path) -> None:
    path = tmp_path / "digits"
    path.write_bytes(b"0123456789")
    handle = PerProcess(partial(path.open, "rb"))
    with handle.use() as file:
        assert file.read(4) == b"0123"
    child = os.fork()
    if child == 0:
        # An inherited handle would read on at 4, and move the parent's position.
        with handle.use() as file:
            os._exit(0 if file.read(2) == b"01" else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    with handle.use() as file:
        assert file.read(2) == b"45"


def test_a_child_is_not_held_up_by_a_lock_it_inherits(tmp_path: Path) -> None:
    path = tmp_path / "digits"
    path.write_bytes(b"0123456789")
    handle = PerProcess(partial(path.open, "rb"))
    with handle.use():
        child = os.fork()
        if child == 0:
            with handle.use() as file:
                os._exit(0 if file.read(1) == b"0" else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_a_pickled_copy_opens_its_own(tmp_path: Path) -> None:
    path = tmp_path / "digits"
    path.write_bytes(b"0123456789")
    handle = PerProcess(partial(path.open, "rb"))
    with handle.use() as file:
        file.read(5)
    with pickle.loads(pickle.dumps(handle)).use() as file:
        assert file.read(1) == b"0"
