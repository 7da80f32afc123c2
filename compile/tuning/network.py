"""A network built with one set of choices or another, in this process.

Every trial is a whole network in which every workload tries something: building it costs a few
seconds for all of them together, and each kernel is measured where it runs, with its weights as
cold and its activations as warm as they are there. Kernels one by one need a process or a guess
at the caches, and TVM's own builder (MetaSchedule's LocalBuilder) starts its processes anew for
every batch, which takes longer than the build.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compile import pipeline
from compile.cache_key import compiler
from compile.choices import Choices
from compile.compiled import Compiled
from compile.operators.annotations import WORKLOAD
from compile.precision import Precision
from compile.records.tuned_choices import Tuned
from compile.schedules.select import call_counts
from compile.targets import Target, get

if TYPE_CHECKING:
    from tvm.relax import VMExecutable

    from compile.onnx.checked_model import Model


@dataclass(frozen=True)
class Trial:
    """A built network: its choices, and the workload of each of its functions that has one.

    `failed` are workloads whose schedule did not fit, and which fell back to another.
    """

    machine: Target
    choices: Choices
    compiled: Compiled
    kernels: Mapping[str, str]
    failed: frozenset[str]

    @cached_property
    def runs_here(self) -> VMExecutable:
        """An executable of the same functions for this machine."""
        from compile.lowering import build

        if self.machine.runs_here:
            return self.compiled.executable
        return build.lower(self.compiled.scheduled, get("host"))

    def write_kernels(self, library: Path) -> None:
        """Link the functions of workloads alone into a library, to be called one by one."""
        import tvm

        from compile.lowering import build

        kernels = {
            variable: function.with_attr("global_symbol", variable.name_hint)
            for variable, function in self.compiled.scheduled.functions.items()
            if variable.name_hint in self.kernels
        }
        target = tvm.target.Target(self.machine.tvm)
        built = tvm.tirx.build(tvm.IRModule(kernels), target, pipeline=build.tir_pipeline())
        build.write_library(built, library)

    def tensors(self, kernel: str) -> list[tuple[tuple[int, ...], str]]:
        """Shapes and types of a function's arguments: the last is what it writes."""
        types = [parameter.ty for parameter in self.compiled.scheduled[kernel].params]
        return [(tuple(int(edge) for edge in one.shape), str(one.dtype)) for one in types]

    @cached_property
    def calls(self) -> dict[str, int]:
        """How often each function is called in one inference."""
        return call_counts(self.compiled.scheduled)


class Network:
    """A model that can be built with any choices, its import and rewrites done once."""

    def __init__(self, source: Model, machine: Target, numbers: Precision) -> None:
        self.source = source
        self.machine = machine
        self.numbers = numbers
        self._rewritten = pipeline.rewrite(source, machine, numbers)

    def identity(self) -> dict[str, Any]:
        """What decides what can be measured of it: the model, the target, the compiler."""
        return {
            "model": self.source.sha256,
            "target": {"name": self.machine.name, "processor": self.machine.processor},
            "threads": self.machine.threads,
            "precision": self.numbers.name,
            **compiler(),
        }

    def build(self, tuned: Tuned) -> Trial:
        """The network with these choices by workload, the default ones elsewhere."""
        choices = Choices(tuned)
        compiled = pipeline.make_code(self._rewritten, replace(self.machine, choices=choices))
        kernels = {
            variable.name_hint: str(function.attrs[WORKLOAD])
            for variable, function in compiled.scheduled.functions.items()
            if function.attrs and WORKLOAD in function.attrs
        }
        fell_back = {one.name for one in compiled.account.fallbacks}
        failed = frozenset(work for name, work in kernels.items() if name in fell_back)
        return Trial(self.machine, choices, compiled, kernels, failed)
