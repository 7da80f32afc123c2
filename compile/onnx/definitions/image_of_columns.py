"""The sum of blocks at their places in an image, as a transposed convolution."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from compile.onnx.function_body import Body, Operation

if TYPE_CHECKING:
    import onnx


def _columns_to_image(operation: Operation) -> onnx.FunctionProto | None:
    """The sum of the blocks at their places: a transposed convolution by ones."""
    shape, sizes, block = operation.shape(0), operation.constant(1), operation.constant(2)
    if shape is None or sizes is None or block is None:
        return None
    body, attributes, rank = Body(operation), operation.attributes, len(block)
    strides = attributes.get("strides", [1] * rank)
    dilations = attributes.get("dilations", [1] * rank)
    pads = attributes.get("pads", [0] * 2 * rank)
    whole = [int(n) + pads[i] + pads[i + rank] for i, n in enumerate(sizes)]
    reach = [(int(k) - 1) * d + 1 for k, d in zip(block, dilations, strict=True)]
    blocks = [(n - r) // s + 1 for n, r, s in zip(whole, reach, strides, strict=True)]
    taps = int(np.prod(block))
    channels = shape[1] // taps
    one_each = np.eye(taps).reshape(taps, 1, *map(int, block))
    weight = body.constant(np.tile(one_each, [channels] + [1] * (1 + rank)), operation.dtype(0))
    columns = body.reshape(body.inputs[0], [shape[0], shape[1], *blocks])
    image = body(
        "ConvTranspose",
        columns,
        weight,
        group=channels,
        strides=strides,
        dilations=dilations,
        pads=pads,
        output_padding=[
            n - ((b - 1) * s + r) for n, b, s, r in zip(whole, blocks, strides, reach, strict=True)
        ],
    )
    return body.function(image)


DEFINITIONS = {("", "Col2Im"): _columns_to_image}
