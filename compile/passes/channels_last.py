"""Keep images channels-last in memory, so that schedules vectorise over channels.

Every value is kept with the order of its axes in memory. Convolutions put their result
channels-last; operators with a rule follow the order of what they read; a transpose only
renames axes; all others get their operands as the model wrote them. Relax's own ConvertLayout
gives up at a channel shuffle, which is a reshape, a transpose and a reshape: here the first two
cost nothing and the third is one copy that fuses with its neighbours.
"""

from __future__ import annotations

from typing import Any

import tvm
from tvm import relax

from compile.passes import layout_rules  # noqa: F401 (registers the rules)
from compile.passes.layout_rewriter import Rewriter


def channels_last(mod: tvm.IRModule) -> tvm.IRModule:
    """The module with the same function `main`, its inside channels-last; exact.

    A function with branches is left alone.
    """
    main = mod["main"]
    if not _is_straight(main):
        return mod
    rest = {var: function for var, function in mod.functions.items() if var.name_hint != "main"}
    builder = relax.BlockBuilder(tvm.IRModule(rest))
    attributes = dict(main.attrs) if main.attrs else {}
    with builder.function("main", list(main.params), attrs=attributes):
        with builder.dataflow():
            rewriter = Rewriter(builder)
            for block in main.body.blocks:
                for binding in block.bindings:
                    rewriter.bind(binding.var, binding.value)
            result = builder.emit_output(rewriter.plain(main.body.body))
        builder.emit_func_output(result)
    return builder.finalize()


def _is_straight(function: Any) -> bool:
    return isinstance(function.body, relax.SeqExpr) and all(
        isinstance(binding, relax.VarBinding)
        and not isinstance(binding.value, relax.If | relax.Function)
        for block in function.body.blocks
        for binding in block.bindings
    )
