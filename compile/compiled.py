"""A model on its way to code: rewritten, and compiled in memory."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from compile.onnx.checked_model import Port
from compile.precision import Precision

if TYPE_CHECKING:
    import tvm
    from tvm.relax import VMExecutable

    from compile.graph.accounting import Rewrites
    from compile.runtime.memory import Memory
    from compile.schedules.account import Account


@dataclass(frozen=True)
class Compiled:
    """A model as code in memory.

    `scheduled` are its functions to build for another machine, `planned` says in what memory and
    order they are called.
    """

    executable: VMExecutable
    scheduled: tvm.IRModule
    planned: tvm.IRModule
    rewrites: Rewrites
    account: Account
    memory: Memory
    outputs: tuple[Port, ...]


@dataclass(frozen=True)
class Rewritten:
    """A model whose operators are final, not yet as loops."""

    mod: tvm.IRModule
    numbers: Precision
    rewrites: Rewrites
    outputs: tuple[Port, ...]
