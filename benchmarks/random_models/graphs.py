"""Random graphs of a few operators, as depth networks have them."""

from __future__ import annotations

from collections.abc import Callable
from math import prod

import numpy as np

from random_models.draw import Draw, NotDrawn

Step = Callable[[Draw, str, list[int]], str]
_ACTIVATIONS = (
    *("Relu", "Relu", "Sigmoid", "Tanh", "LeakyRelu", "Elu", "HardSigmoid", "Softplus", "Exp"),
    *("Abs", "Neg", "HardSwish", "Selu", "Erf"),
)


def graph(draw: Draw) -> None:
    """Three to eight steps on an image, or on tokens."""
    draw.use_opset(draw.integer(11, 21))
    shape = draw.image(draw.one_of([3, 4, 8, 16]), least=4)
    if draw.chance(0.2):
        shape = [shape[0], draw.integer(2, 12), draw.one_of([4, 8, 12])]
    value = draw.input(shape)
    earlier = [value]
    for _ in range(draw.integer(3, 8)):
        shape = draw.shape_of(value)
        if prod(shape) > 2**14:
            break
        step = draw.one_of(_IMAGE_STEPS if len(shape) == 4 else _TOKEN_STEPS)
        if draw.chance(0.2):
            same = [one for one in earlier if draw.shape_of(one) == shape]
            value = draw.node(draw.one_of(["Add", "Mul"]), [value, draw.one_of(same)])
        value = step(draw, value, shape)
        earlier.append(value)


def _weight(draw: Draw, shape: list[int]) -> str:
    return draw.constant(draw.array(shape) / max(1, prod(shape[1:])) ** 0.5, "float32")


def _conv(draw: Draw, x: str, shape: list[int]) -> str:
    channels, kind = shape[1], draw.one_of(["dense", "dense", "pointwise", "depthwise", "groups"])
    kernel = 1 if kind == "pointwise" else draw.one_of([3, 3, 5, 2])
    if kernel - 2 * (kernel // 2) + 1 > min(shape[2:]):
        raise NotDrawn("the image is too small")
    groups = {"depthwise": channels, "groups": 2 if channels % 2 == 0 else 1}.get(kind, 1)
    outputs = channels if kind == "depthwise" else draw.one_of([2, 4, 6, 8, 16])
    names = [x, _weight(draw, [outputs, channels // groups, kernel, kernel])]
    if draw.chance(0.5):
        names.append(_weight(draw, [outputs]))
    pads = [kernel // 2] * 4 if draw.chance(0.8) else [0, 1, 1, 0]
    stride = draw.one_of([1, 1, 1, 2])
    dilation = 2 if draw.chance(0.1) and min(shape[2:]) > 2 * kernel else 1
    return draw.node(
        "Conv", names, pads=pads, strides=[stride] * 2, dilations=[dilation] * 2, group=groups
    )


def _conv_transpose(draw: Draw, x: str, shape: list[int]) -> str:
    kernel, pads, padding = draw.one_of([(2, 0, 0), (4, 1, 0), (3, 1, 1), (3, 0, 0)])
    weight = _weight(draw, [shape[1], draw.one_of([2, 4, 8]), kernel, kernel])
    return draw.node(
        "ConvTranspose",
        [x, weight],
        strides=[2, 2],
        pads=[pads] * 4,
        output_padding=[padding] * 2,
    )


def _pool(draw: Draw, x: str, shape: list[int]) -> str:
    operator = draw.one_of(["MaxPool", "AveragePool"])
    kernel, stride, pads = draw.one_of([(2, 2, 0), (3, 2, 1), (3, 1, 1)])
    if min(shape[2:]) < kernel:
        raise NotDrawn("the image is too small")
    attributes = draw.some(ceil_mode=draw.integer(0, 1))
    return draw.node(
        operator,
        [x],
        kernel_shape=[kernel] * 2,
        strides=[stride] * 2,
        pads=[pads] * 4,
        **attributes,
    )


def _resize(draw: Draw, x: str, shape: list[int]) -> str:
    mode = draw.one_of(["nearest", "nearest", "linear", "cubic"])
    way = draw.one_of(["asymmetric", "half_pixel", "align_corners", "pytorch_half_pixel"])
    scales = draw.constant([1, 1, 2, 2], "float32")
    empty = draw.constant(np.empty(0, np.float32)) if draw.opset < 13 else ""
    rounding = draw.one_of(["floor", "round_prefer_floor"])
    return draw.node(
        "Resize",
        [x, empty, scales],
        mode=mode,
        coordinate_transformation_mode=way,
        nearest_mode=rounding,
    )


def _pad(draw: Draw, x: str, shape: list[int]) -> str:
    mode = draw.one_of(["constant", "reflect", "edge"])
    pads = draw.constant([0, 0, 1, draw.integer(0, 1), 0, 0, draw.integer(0, 1), 1], "int64")
    if min(shape[2:]) < 2:
        raise NotDrawn("the image is too small")
    return draw.node("Pad", [x, pads], mode=mode)


def _batch_normalization(draw: Draw, x: str, shape: list[int]) -> str:
    scale, bias, mean = (draw.constant(draw.array([shape[1]])) for _ in range(3))
    variance = draw.constant(abs(draw.array([shape[1]])) + 0.1, "float32")
    return draw.node("BatchNormalization", [x, scale, bias, mean, variance])


def _instance_normalization(draw: Draw, x: str, shape: list[int]) -> str:
    names = [draw.constant(draw.array([shape[1]])) for _ in range(2)]
    return draw.node("InstanceNormalization", [x, *names], epsilon=1e-3)


def _activation(draw: Draw, x: str, shape: list[int]) -> str:
    return draw.node(draw.one_of(_ACTIVATIONS), [x])


def _clip(draw: Draw, x: str, shape: list[int]) -> str:
    return draw.node("Clip", [x, draw.constant(0, "float32"), draw.constant(6, "float32")])


def _silu(draw: Draw, x: str, shape: list[int]) -> str:
    return draw.node("Mul", [x, draw.node(draw.one_of(["Sigmoid", "HardSigmoid"]), [x])])


def _constant(draw: Draw, x: str, shape: list[int]) -> str:
    own = [[], [1], [shape[-1]], shape, [1] * len(shape)]
    if len(shape) == 4:
        own += [[1, shape[1], 1, 1], [shape[1], 1, 1], [1, shape[1], 1, 1]]
    names = [x, draw.constant(abs(draw.array(draw.one_of(own))) + 0.2, "float32")]
    if draw.chance(0.2):
        names.reverse()
    operators = ["Add", "Mul", "Sub", "Max", "Min"] + ["Div"] * (names[0] == x)
    return draw.node(draw.one_of(operators), names)


def _concat(draw: Draw, x: str, shape: list[int]) -> str:
    other = _activation(draw, x, shape)
    axis = draw.one_of([1, 1, 1, -1, len(shape) - 2])
    return draw.node("Concat", [x, other] if draw.chance(0.5) else [other, x, x], axis=axis)


def _split(draw: Draw, x: str, shape: list[int]) -> str:
    axis = 1 if len(shape) == 4 else -1
    if shape[axis] % 2:
        raise NotDrawn("an odd number of channels")
    attributes = {"num_outputs": 2} if draw.opset >= 18 else {}
    first, second = draw.results("Split", [x], 2, axis=axis, **attributes)
    second = _activation(draw, second, shape)
    if draw.chance(0.5):
        return draw.node("Mul", [first, second])
    return draw.node("Concat", [second, first], axis=axis)


def _shuffle(draw: Draw, x: str, shape: list[int]) -> str:
    n, c, h, w = shape
    if c % 2:
        raise NotDrawn("an odd number of channels")
    apart = draw.node("Reshape", [x, draw.constant([n, 2, c // 2, h, w], "int64")])
    turned = draw.node("Transpose", [apart], perm=[0, 2, 1, 3, 4])
    return draw.node("Reshape", [turned, draw.constant([n, c, h, w], "int64")])


def _slice(draw: Draw, x: str, shape: list[int]) -> str:
    axis = draw.integer(1, len(shape) - 1)
    if shape[axis] < 2:
        raise NotDrawn("nothing to cut off")
    ends = [("starts", draw.integer(0, 1)), ("ends", draw.one_of([2**31 - 1, shape[axis] - 1]))]
    places = [draw.constant([place], "int64") for _, place in ends]
    if shape[axis] == 2 and ends[1][1] == 1:
        raise NotDrawn("nothing is left")
    return draw.node("Slice", [x, *places, draw.constant([axis], "int64")])


def _transpose(draw: Draw, x: str, shape: list[int]) -> str:
    perms = [[0, 2, 3, 1], [0, 3, 1, 2], [0, 1, 3, 2]] if len(shape) == 4 else [[0, 2, 1]]
    return draw.node("Transpose", [x], perm=draw.one_of(perms))


def _squeeze_and_excite(draw: Draw, x: str, shape: list[int]) -> str:
    c = shape[1]
    pooled = draw.node("GlobalAveragePool", [x])
    hidden = draw.node("Conv", [pooled, _weight(draw, [max(1, c // 2), c, 1, 1])])
    expand = _weight(draw, [c, max(1, c // 2), 1, 1])
    scale = draw.node("Conv", [draw.node("Relu", [hidden]), expand])
    return draw.node("Mul", [x, draw.node(draw.one_of(["Sigmoid", "HardSigmoid"]), [scale])])


def _mean(draw: Draw, x: str, shape: list[int]) -> str:
    axes, keep = [len(shape) - 1], draw.integer(0, 1)
    if draw.opset < 18:
        return draw.node("ReduceMean", [x], axes=axes, keepdims=keep)
    return draw.node("ReduceMean", [x, draw.constant(axes, "int64")], keepdims=keep)


def _tokens(draw: Draw, x: str, shape: list[int]) -> str:
    flat = draw.node("Reshape", [x, draw.constant([0, shape[1], -1], "int64")])
    return draw.node("Transpose", [flat], perm=[0, 2, 1])


def _softmax(draw: Draw, x: str, shape: list[int]) -> str:
    return draw.node("Softmax", [x], axis=draw.one_of([-1, 1]))


def _matmul(draw: Draw, x: str, shape: list[int]) -> str:
    product = draw.node("MatMul", [x, _weight(draw, [shape[-1], draw.one_of([4, 8, 5])])])
    return product if draw.chance(0.5) else _constant(draw, product, draw.shape_of(product))


def _attention(draw: Draw, x: str, shape: list[int]) -> str:
    c = shape[-1]
    q, k, v = (draw.node("MatMul", [x, _weight(draw, [c, c])]) for _ in range(3))
    order = [*range(len(shape) - 2), len(shape) - 1, len(shape) - 2]
    scores = draw.node("MatMul", [q, draw.node("Transpose", [k], perm=order)])
    scaled = draw.node("Mul", [scores, draw.constant(c**-0.5, "float32")])
    return draw.node("MatMul", [draw.node("Softmax", [scaled], axis=-1), v])


def _layer_normalization(draw: Draw, x: str, shape: list[int]) -> str:
    mean = _reduce_last(draw, x)
    centred = draw.node("Sub", [x, mean])
    squared = draw.node("Pow", [centred, draw.constant(2, "float32")])
    variance = draw.node("Add", [_reduce_last(draw, squared), draw.constant(1e-3, "float32")])
    normal = draw.node("Div", [centred, draw.node("Sqrt", [variance])])
    return draw.node("Mul", [normal, draw.constant(draw.array([shape[-1]]))])


def _reduce_last(draw: Draw, x: str) -> str:
    if draw.opset < 18:
        return draw.node("ReduceMean", [x], axes=[-1])
    return draw.node("ReduceMean", [x, draw.constant([-1], "int64")])


def _gelu(draw: Draw, x: str, shape: list[int]) -> str:
    erf = draw.node("Erf", [draw.node("Div", [x, draw.constant(2**0.5, "float32")])])
    half = draw.node("Mul", [x, draw.constant(0.5, "float32")])
    return draw.node("Mul", [half, draw.node("Add", [erf, draw.constant(1, "float32")])])


def _gather(draw: Draw, x: str, shape: list[int]) -> str:
    axis = draw.integer(1, len(shape) - 1)
    index = draw.constant([draw.integer(0, shape[axis] - 1) for _ in range(3)], "int64")
    return draw.node("Gather", [x, index], axis=axis)


_ANY_STEPS: tuple[Step, ...] = (
    *(_activation, _activation, _constant, _constant, _concat, _split, _slice, _transpose, _mean),
    *(_softmax, _silu, _gelu, _layer_normalization, _gather, _clip),
)
_IMAGE_STEPS: tuple[Step, ...] = (
    *(_conv,) * 6,
    *(_resize,) * 3,
    *(_conv_transpose, _conv_transpose, _pool, _pool, _pad, _batch_normalization, _shuffle),
    *(_batch_normalization, _instance_normalization, _squeeze_and_excite, _tokens),
    *_ANY_STEPS,
)
_TOKEN_STEPS: tuple[Step, ...] = (_matmul, _matmul, _attention, _attention, *_ANY_STEPS)
