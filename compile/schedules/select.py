"""Choose a schedule for each fused function, and keep the account of how that went."""

from __future__ import annotations

from collections.abc import Callable

import tvm
from tvm import relax, tirx
from tvm.error import InternalError
from tvm.s_tir import SBlock, Schedule
from tvm.s_tir.schedule import ScheduleError
from tvm_ffi import structural_walk

from compile import interrupt
from compile.operators.annotations import FAMILY, WORKLOAD
from compile.operators.convolution import CONVOLUTION
from compile.operators.depthwise_convolution import DEPTHWISE
from compile.operators.matrix_product import MATRIX_PRODUCT
from compile.operators.rows.scaled_dot_products import ATTENTION
from compile.operators.rows.softmax import SOFTMAX
from compile.operators.winograd_convolution import WINOGRAD
from compile.schedules import (
    conv2d,
    depthwise,
    depthwise_pointwise,
    elementwise,
    gemm,
    reductions,
    schedule_utils,
    softmax_rows,
    winograd,
)
from compile.schedules.account import Account, Fallback, Reason, Refusal
from compile.schedules.depthwise_pointwise import DEPTHWISE_POINTWISE
from compile.schedules.kernel_work import (
    loop_macs,
    operand_bytes,
    operators_of,
    with_costs,
)
from compile.schedules.rewrites import prefetch
from compile.schedules.rewrites.bias_init import start_from_bias
from compile.schedules.rewrites.parallel import parallelise
from compile.targets import Target
from depthbench import cancellation
from depthbench.one_line import one_line

Rule = Callable[[Schedule, Target], None]
# Generates code for a scheduled function by name; raises InternalError where TVM cannot.
Build = Callable[[str, tirx.PrimFunc], None]

FAMILIES: dict[str, Rule] = {
    MATRIX_PRODUCT: gemm.schedule,
    CONVOLUTION: conv2d.schedule,
    DEPTHWISE: depthwise.schedule,
    WINOGRAD: winograd.schedule,
    SOFTMAX: softmax_rows.schedule,
    ATTENTION: softmax_rows.schedule_attention,
    DEPTHWISE_POINTWISE: depthwise_pointwise.schedule,
}


def schedule_module(
    mod: tvm.IRModule, target: Target, *, build: Build | None = None
) -> tuple[tvm.IRModule, Account]:
    """A scheduled copy of the module; what no rule fits stays as TVM made it.

    With `build`, code is generated for each function at once, and the next rule is tried where
    that fails: slow, for the rare module that does not build otherwise.
    """
    mod = tvm.IRModule(dict(mod.functions), attrs=mod.attrs)
    account = Account()
    counts = call_counts(mod)
    for variable, function in list(mod.functions.items()):
        if not isinstance(function, tirx.PrimFunc):
            continue
        calls = counts.get(variable.name_hint, 1)
        scheduled = _schedule_function(variable.name_hint, function, calls, target, account, build)
        mod.update_func(variable, scheduled)
    return mod, account


def call_counts(mod: tvm.IRModule) -> dict[str, int]:
    """How often each function is called; equal ones are shared."""
    counts: dict[str, int] = {}

    def on_call(call: relax.Call) -> None:
        if call.args and isinstance(call.args[0], tvm.ir.GlobalVar):
            name = call.args[0].name_hint
            counts[name] = counts.get(name, 0) + 1

    for function in mod.functions.values():
        if isinstance(function, relax.Function):
            structural_walk(function.body, (relax.Call, on_call))
    return counts


def _schedule_function(
    name: str,
    function: tirx.PrimFunc,
    calls: int,
    target: Target,
    account: Account,
    build: Build | None,
) -> tirx.PrimFunc:
    macs_once = loop_macs(function)
    macs, moved = macs_once * calls, operand_bytes(function) * calls
    account.macs += macs
    account.bytes += moved
    refused: list[Refusal] = []
    candidates = _candidates(function)
    result, schedule = function, "none"
    for family, rule in candidates:
        cancellation.check()
        made = _attempt(name, function, family, rule, target, build)
        if isinstance(made, Refusal):
            refused.append(made)
            continue
        (result, share), schedule = made, family
        account.families[family] = account.families.get(family, 0) + calls
        account.parallel_macs += round(share * macs)
        break
    if schedule in FAMILIES or (schedule != "none" and not macs):
        account.scheduled_macs += macs
        reason: Reason | None = None
    elif not candidates:
        reason = Reason.NOT_BLOCKS
    else:
        reason = Reason.NO_FAMILY
    if refused:
        reason = refused[0].reason
    if reason is not None:
        account.fallbacks.append(
            Fallback(name, operators_of(name), macs, moved, schedule, reason, tuple(refused))
        )
    result = result.with_attr("tirx.is_scheduled", True).with_attr("tirx.noalias", True)
    result = with_costs(result, function, macs_once)
    if workload := _workload(function):
        result = result.with_attr(WORKLOAD, workload)
        account.tuned += calls if target.choices.taken(workload) else 0
    attributes = function.attrs or {}
    if "global_symbol" in attributes:
        result = result.with_attr("global_symbol", attributes["global_symbol"])
    return result


def _attempt(
    name: str, function: tirx.PrimFunc, family: str, rule: Rule, target: Target, build: Build | None
) -> tuple[tirx.PrimFunc, float] | Refusal:
    """The function by a rule and the share of it that runs on several threads, or why not.

    Only what TVM is known to raise is a refusal; any other error is a bug, and the caller's.
    """
    sch = Schedule(tvm.IRModule({"main": function}))
    try:
        with interrupt.restored():
            rule(sch, target)
    except (ScheduleError, InternalError) as error:
        return Refusal(family, Reason.SCHEDULE_REFUSED, one_line(error))
    result, share = start_from_bias(prefetch.insert(sch.mod["main"])), 0.0
    if target.threads > 1:
        result, share = parallelise(result, target.threads)
    if build is not None:
        try:
            with interrupt.restored():
                build(name, result)
        except InternalError as error:
            return Refusal(family, Reason.CODE_REFUSED, one_line(error))
    return result, share


def _workload(function: tirx.PrimFunc) -> str:
    """The name of the workload that a fused function computes, if it has one."""
    found: list[str] = []
    structural_walk(
        function.body,
        (SBlock, lambda block: found.append(str(block.annotations.get(WORKLOAD, "")))),
    )
    return max(found, default="")


def _candidates(function: tirx.PrimFunc) -> list[tuple[str, Rule]]:
    """The rules to try on a function, best first."""
    sch = Schedule(tvm.IRModule({"main": function}))
    try:
        blocks = schedule_utils.blocks(sch)
    except ScheduleError:
        return []  # there is no root block: see Reason.NOT_BLOCKS
    found = {str(dict(sch.get(block).annotations).get(FAMILY, "")) for block in blocks}
    chosen = [(family, FAMILIES[family]) for family in sorted(found - {""})]
    if any(schedule_utils.is_reduction(sch, block) for block in blocks):
        return [*chosen, ("reduction", reductions.schedule)]
    return [*chosen, ("elementwise", elementwise.schedule)]
