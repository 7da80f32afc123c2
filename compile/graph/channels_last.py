"""Keep images channels-last in memory, so that schedules vectorise over channels.

Every value is kept with the order of its axes in memory. Convolutions put their result
channels-last; operators with a rule follow the order of what they read; a transpose only
renames axes; all others get their operands as the model wrote them. Relax's own ConvertLayout
gives up at a channel shuffle, which is a reshape, a transpose and a reshape: here the first two
cost nothing and the third is one copy that fuses with its neighbours.
"""

from __future__ import annotations

import tvm

from compile.graph import layout_rules  # noqa: F401 (registers the rules)
from compile.graph.layout_rewriter import LayoutRewriter
from compile.graph.relax_rewriter import translate


def channels_last(mod: tvm.IRModule) -> tvm.IRModule:
    """The module with the same function `main`, its inside channels-last; exact.

    A function with branches is left alone.
    """
    return translate(mod, lambda builder, uses: LayoutRewriter(builder))
