"""What the manifest of an artefact says: what was compiled, how, and with what result."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from compile.compiled import Compiled
from compile.precision import Precision
from compile.schedules.kernel_work import kernels_of
from compile.targets import Target

if TYPE_CHECKING:
    from compile.onnx.checked_model import Model


def manifest_of(
    key: dict[str, Any],
    source: Model,
    machine: Target,
    numbers: Precision,
    compiled: Compiled,
    check: dict[str, Any],
    speed: dict[str, Any] | None,
) -> dict[str, Any]:
    """The manifest without the hashes of files; `key` identifies the compilation."""
    return {
        **key,
        "tvm_target": machine.tvm,
        "inputs": [port.to_dict() for port in source.inputs],
        "outputs": [port.to_dict() for port in compiled.outputs],
        "arithmetic": numbers.to_dict(),
        "rewrites": compiled.rewrites.to_dict(),
        "schedule": compiled.account.to_dict(),
        "memory": compiled.memory.to_dict(),
        "kernels": kernels_of(compiled.scheduled),
        "check": check,
        "speed": speed,
        "warnings": [*source.warnings, *_hidden(check)],
    }


def _hidden(check: dict[str, Any]) -> Iterator[str]:
    """What the check could not judge."""
    for field, what in (("constant_outputs", "constant"), ("non_finite_outputs", "not finite")):
        for name in check[field]:
            yield f"output {name!r} of ONNX Runtime is {what} for the inputs of the check"
