"""Operators that ONNX Runtime writes for one kind of processor, or runs on graphics cards only."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from compile.onnx.function_body import Body, Operation
from depthbench.errors import InputError

if TYPE_CHECKING:
    import onnx

_GRAPHICS = ("BiasAdd", "BiasSplitGelu", "GroupNorm", "NhwcConv", "NhwcFusedConv", "SkipGroupNorm")
_LANGUAGE = ("DynamicQuantizeLSTM", "EmbedLayerNormalization", "QEmbedLayerNormalization")
_BLOCKED = (
    *("AveragePool", "Conv", "GlobalAveragePool", "GlobalMaxPool", "MaxPool"),
    *("ReorderInput", "ReorderOutput", "Upsample"),
)


def _refused(reason: str, advice: str) -> Callable[[Operation], onnx.FunctionProto | None]:
    def define(_: Operation) -> onnx.FunctionProto | None:
        raise InputError(reason, advice=advice)

    return define


def _nhwc_max_pool(operation: Operation) -> onnx.FunctionProto | None:
    """Channels are the last axis, of images."""
    body = Body(operation)
    planes = body("Transpose", body.inputs[0], perm=(0, 3, 1, 2))
    return body.function(
        body("Transpose", body("MaxPool", planes, **operation.attributes), perm=(0, 2, 3, 1))
    )


_for_graphics = _refused(
    "ONNX Runtime writes it for graphics cards and runs it on no processor",
    "optimise the model for processors, or export it again",
)
_for_language = _refused(
    "it belongs to networks for language", "export the model with other operators"
)
_for_one_processor = _refused(
    "ONNX Runtime writes it for the processor that it runs on",
    "save the optimised model at level basic or extended, not all",
)

DEFINITIONS = {
    **{("com.microsoft", name): _for_graphics for name in _GRAPHICS},
    **{("com.microsoft", name): _for_language for name in _LANGUAGE},
    **{("com.microsoft.nchwc", name): _for_one_processor for name in _BLOCKED},
    ("com.microsoft", "NhwcMaxPool"): _nhwc_max_pool,
}
