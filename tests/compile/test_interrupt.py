from __future__ import annotations

import signal
import threading

import pytest
import tvm

from compile import interrupt
from compile.library_errors import as_input_error
from depthbench import cancellation
from depthbench.errors import InputError


def test_an_interrupt_inside_tvm_is_one_outside() -> None:
    """A signal that arrives while TVM's passes run over a module in Python."""
    module = tvm.IRModule({})

    @tvm.transform.module_pass(opt_level=0)
    def interrupted(mod: tvm.IRModule, _: object) -> tvm.IRModule:
        signal.raise_signal(signal.SIGINT)
        return mod

    assert threading.current_thread() is threading.main_thread()
    with pytest.raises(KeyboardInterrupt), interrupt.restored():
        interrupted(module)


def test_an_interrupt_that_cancels_the_work_is_one_outside() -> None:
    """As a command's handler of signals does, which stays in place."""
    cancellation.cancel()
    try:
        with pytest.raises(KeyboardInterrupt), interrupt.restored():
            raise RuntimeError
    finally:
        cancellation.reset()


def test_an_error_without_a_message_is_no_interrupt() -> None:
    with pytest.raises(KeyboardInterrupt), interrupt.restored():
        signal.raise_signal(signal.SIGINT)
    with pytest.raises(RuntimeError), interrupt.restored():
        raise RuntimeError
    with pytest.raises(InputError, match="it: RuntimeError"), as_input_error("it"):
        raise RuntimeError


def test_handlers_of_signals_stay() -> None:
    handler = signal.getsignal(signal.SIGINT)
    with interrupt.restored(), interrupt.restored():
        pass
    assert signal.getsignal(signal.SIGINT) is handler
    own = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        mine = signal.getsignal(signal.SIGINT)
        with interrupt.restored():
            assert signal.getsignal(signal.SIGINT) is mine
    finally:
        signal.signal(signal.SIGINT, own)


@pytest.mark.parametrize("error", [RuntimeError("no such block"), InputError("bad")])
def test_other_errors_pass(error: Exception) -> None:
    with pytest.raises(type(error), match=str(error)), interrupt.restored():
        raise error
