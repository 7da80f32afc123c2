from __future__ import annotations

import signal
import threading

import pytest
import tvm

from compile import interrupt
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


def test_an_empty_runtime_error_is_an_interrupt() -> None:
    with pytest.raises(KeyboardInterrupt), interrupt.restored():
        raise RuntimeError


@pytest.mark.parametrize("error", [RuntimeError("no such block"), InputError("bad")])
def test_other_errors_pass(error: Exception) -> None:
    with pytest.raises(type(error), match=str(error)), interrupt.restored():
        raise error
