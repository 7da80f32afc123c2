"""Where a package's tensors lie: nothing is written over what is still to be read."""

from __future__ import annotations

import numpy as np
import pytest
import tvm
from tvm import relax

from compile import targets
from compile.lowering import build
from compile.package.plan import Plan, Tensor, plan_of


def overlap(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors share bytes."""
    return (
        (one.place, one.port) == (other.place, other.port)
        and one.offset < other.offset + other.bytes
        and other.offset < one.offset + one.bytes
    )


def overwritten(plan: Plan) -> list[tuple[str, int]]:
    """What a kernel writes over before its last reader has run: the kernel, and the tensor."""
    found = []
    for place, call in enumerate(plan.calls):
        *_, target = call.arguments
        for number, tensor in enumerate(plan.tensors):
            made = any(number == before.arguments[-1] for before in plan.calls[:place])
            read = any(number in after.arguments[:-1] for after in plan.calls[place + 1 :])
            if number != target and made and read and overlap(tensor, plan.tensors[target]):
                found.append((call.kernel, number))
    return found


@pytest.mark.parametrize("copied", ["sum", "argument"])
def test_a_copy_of_the_virtual_machine_is_the_same_memory_and_kept(copied: str) -> None:
    copy = tvm.get_global_func("vm.builtin.copy")
    x = tvm.runtime.tensor(np.arange(6, dtype=np.float32))
    assert np.shares_memory(np.from_dlpack(x), np.from_dlpack(copy(x)))

    kind = relax.TensorType((16,), "float32")
    argument, builder = relax.Var("x", kind), relax.BlockBuilder()
    one = relax.const(np.float32(1))
    with builder.function("main", [argument]):
        with builder.dataflow():
            y = builder.emit(relax.op.add(argument, one))
            source = y if copied == "sum" else argument
            again = builder.emit(relax.call_pure_packed("vm.builtin.copy", source, ty_args=[kind]))
            z = builder.emit(relax.op.exp(y))
            for _ in range(3):  # each is free to take the place of what is read no more
                z = builder.emit(relax.op.exp(z))
            out = builder.emit_output(relax.op.add(z, again))
        builder.emit_func_output(out)
    mod = relax.transform.LegalizeOps()(builder.get())
    plan = plan_of(build.plan(mod, targets.get("host")), "here")
    assert len(plan.calls) == 6
    assert overwritten(plan) == []
