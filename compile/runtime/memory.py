"""How much memory a compiled model takes."""

from __future__ import annotations

import hashlib
from dataclasses import asdict, dataclass
from typing import Any

import tvm
from tvm import relax
from tvm_ffi import structural_walk

from compile.graph.tensors import is_operator


@dataclass(frozen=True)
class Memory:
    """Bytes of a model.

    `activations_bytes` is the sum of the storages that the virtual machine allocates in one run:
    the plan's, which tensors share one after the other, and the outputs. It leaves out the inputs,
    which are the caller's, and what a kernel keeps for itself while it runs. `weights_bytes` is
    the sum of the constants, of which the library holds equal ones once.
    """

    activations_bytes: int
    weights_bytes: int

    def to_dict(self) -> dict[str, int]:
        """For the manifest."""
        return asdict(self)


def memory_of(planned: tvm.IRModule) -> Memory:
    """The memory of a module whose storages are planned and explicit, of static shape."""
    storages: list[int] = []
    weights: dict[tuple[Any, ...], int] = {}

    def storage(call: relax.Call) -> None:
        if is_operator(call, "vm.alloc_storage"):
            (size,) = call.args[0].values
            storages.append(int(size))

    def weight(constant: tvm.ir.expr.GenericConst) -> None:
        if isinstance(constant.value, tvm.runtime.Tensor):  # not a type or a name
            value = constant.value.numpy()
            content = hashlib.sha256(value.tobytes()).digest()
            weights[str(value.dtype), value.shape, content] = value.nbytes

    for function in planned.functions.values():
        if isinstance(function, relax.Function):
            visit = ((relax.Call, storage), (tvm.ir.expr.GenericConst, weight))
            structural_walk(function.body, visit)
    return Memory(sum(storages), sum(weights.values()))
