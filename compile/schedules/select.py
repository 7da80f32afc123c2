"""Choose a schedule for each fused function, and keep the account of what has none."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from math import prod
from typing import Any

import tvm
from tvm import relax, tirx
from tvm.s_tir import SBlock, Schedule
from tvm_ffi import structural_walk

from compile import interrupt
from compile.runtime.kernel_work import with_costs
from compile.schedules import (
    conv2d,
    depthwise,
    depthwise_pointwise,
    elementwise,
    gemm,
    reductions,
    schedule_utils,
    winograd,
)
from compile.schedules.choices import WORKLOAD
from compile.schedules.rewrites import prefetch
from compile.schedules.rewrites.bias_init import start_from_bias
from compile.schedules.rewrites.parallel import parallelise
from compile.targets import Target
from depthbench import cancellation

Rule = Callable[[Schedule, Target], None]

FAMILIES: dict[str, Rule] = {
    gemm.FAMILY: gemm.schedule,
    conv2d.FAMILY: conv2d.schedule,
    depthwise.FAMILY: depthwise.schedule,
    winograd.FAMILY: winograd.schedule,
    depthwise_pointwise.FAMILY: depthwise_pointwise.schedule,
}


@dataclass
class Account:
    """Multiply-adds by how they are scheduled: in a family's way, or by the fallback.

    `tuned` are the calls of functions that took a tuned choice, `families` those of each family.

    `fallbacks` has for each function without a family (or whose family failed) its name, the
    multiply-adds it takes and what was used instead.
    """

    macs: int = 0
    scheduled_macs: int = 0
    parallel_macs: int = 0
    tuned: int = 0
    families: dict[str, int] = field(default_factory=dict)
    fallbacks: list[dict[str, Any]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """For the manifest; shares are of all multiply-adds."""
        whole = max(self.macs, 1)
        return {
            "macs": self.macs,
            "scheduled_share": self.scheduled_macs / whole if self.macs else 1.0,
            "parallel_share": self.parallel_macs / whole,
            "tuned": self.tuned,
            "families": dict(sorted(self.families.items())),
            "fallbacks": [{**one, "share": one["macs"] / whole} for one in self.fallbacks],
        }


def schedule_module(
    mod: tvm.IRModule, target: Target, *, verify: bool = False
) -> tuple[tvm.IRModule, Account]:
    """A scheduled copy of the module; what no rule fits stays as TVM made it.

    With `verify`, code is generated for each function at once, and the next rule is tried where
    that fails: slow, for the rare module that does not build otherwise.
    """
    mod = tvm.IRModule(dict(mod.functions), attrs=mod.attrs)
    account = Account()
    counts = call_counts(mod)
    for variable, function in list(mod.functions.items()):
        if not isinstance(function, tirx.PrimFunc):
            continue
        calls = counts.get(variable.name_hint, 1)
        scheduled = _schedule_function(variable.name_hint, function, calls, target, account, verify)
        mod.update_func(variable, scheduled)
    return mod, account


def call_counts(mod: tvm.IRModule) -> dict[str, int]:
    """How often each function is called; equal ones are shared."""
    counts: dict[str, int] = {}

    def on_call(call: Any) -> None:
        if call.args and isinstance(call.args[0], tvm.ir.GlobalVar):
            name = call.args[0].name_hint
            counts[name] = counts.get(name, 0) + 1

    for function in mod.functions.values():
        if isinstance(function, relax.Function):
            structural_walk(function.body, (relax.Call, on_call))
    return counts


def _schedule_function(
    name: str, function: Any, calls: int, target: Target, account: Account, verify: bool
) -> Any:
    macs_once = loop_macs(function)
    macs = macs_once * calls
    account.macs += macs
    tried: list[str] = []
    for family, rule in _candidates(function):
        cancellation.check()
        sch = Schedule(tvm.IRModule({"main": function}))
        try:
            with interrupt.restored():
                rule(sch, target)
                result, share = start_from_bias(prefetch.insert(sch.mod["main"])), 0.0
                if target.threads > 1:
                    result, share = parallelise(result, target.threads)
                if verify:
                    tvm.tirx.build(
                        result.with_attr("global_symbol", name), tvm.target.Target(target.tvm)
                    )
        except schedule_utils.FAILURES as error:
            tried.append(f"{family}: {_last_line(error)}")
            continue
        account.families[family] = account.families.get(family, 0) + calls
        account.parallel_macs += round(share * macs)
        if family in FAMILIES or not macs:
            account.scheduled_macs += macs
        if (macs and family not in FAMILIES) or tried:
            account.fallbacks.append(_fallback(name, macs, family, tried))
        break
    else:
        result = function
        account.fallbacks.append(_fallback(name, macs, "none", tried))
    result = result.with_attr("tirx.is_scheduled", True).with_attr("tirx.noalias", True)
    result = with_costs(result, function, macs_once)
    if workload := _workload(function):
        result = result.with_attr(WORKLOAD, workload)
        account.tuned += calls if target.choices.taken(workload) else 0
    attributes = function.attrs or {}
    if "global_symbol" in attributes:
        result = result.with_attr("global_symbol", attributes["global_symbol"])
    return result


def _fallback(name: str, macs: int, schedule: str, tried: list[str]) -> dict[str, Any]:
    entry: dict[str, Any] = {"operator": name, "macs": macs, "schedule": schedule}
    if tried:
        entry["failed"] = tried
    return entry


def _last_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else type(error).__name__)[:200]


def _workload(function: Any) -> str:
    """The name of the workload that a fused function computes, if it has one."""
    found: list[str] = []
    structural_walk(
        function.body,
        (SBlock, lambda block: found.append(str(block.annotations.get(WORKLOAD, "")))),
    )
    return max(found, default="")


def _candidates(function: Any) -> list[tuple[str, Rule]]:
    """The rules to try on a function, best first."""
    sch = Schedule(tvm.IRModule({"main": function}))
    try:
        blocks = schedule_utils.blocks(sch)
    except schedule_utils.FAILURES:
        return []  # written as statements, such as TVM's sort and scan
    found = {
        str(dict(sch.get(block).annotations).get(schedule_utils.FAMILY, "")) for block in blocks
    }
    chosen = [(family, FAMILIES[family]) for family in sorted(found - {""})]
    if any(schedule_utils.is_reduction(sch, block) for block in blocks):
        return [*chosen, ("reduction", reductions.schedule)]
    return [*chosen, ("elementwise", elementwise.schedule)]


def loop_macs(function: Any) -> int:
    """Multiply-adds of an unscheduled function.

    What its operator says it takes, else the steps of its accumulations that multiply floats.
    """
    total = 0

    def on_block(block: Any) -> None:
        nonlocal total
        if schedule_utils.MACS in block.annotations:
            total += int(block.annotations[schedule_utils.MACS])
        elif block.init is not None and _multiplies_floats(block.body):
            total += prod(int(var.dom.extent) for var in block.iter_vars)

    structural_walk(function.body, (SBlock, on_block))
    return total


def _multiplies_floats(body: Any) -> bool:
    found: list[bool] = []
    structural_walk(body, (tirx.Mul, lambda node: found.append("float" in str(node.ty))))
    return any(found)
