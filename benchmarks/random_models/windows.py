"""Random operators that slide a window over images: convolutions, pools, resizes."""

from __future__ import annotations

from typing import Any

import numpy as np

from random_models.draw import Draw, Drawer, NotDrawn


def _axes(draw: Draw) -> int:
    return draw.one_of([1, 2, 2, 2, 2, 3])


def _padding(draw: Draw, axes: int, kernel: list[int]) -> dict[str, Any]:
    way = draw.one_of(["none", "same", "any", "any", "SAME_UPPER", "SAME_LOWER", "VALID"])
    if way == "none":
        return {}
    if way == "same":
        return {"pads": [edge // 2 for edge in kernel] * 2}
    if way == "any":
        return {"pads": [draw.integer(0, max(0, edge - 1)) for edge in kernel * 2]}
    return {"auto_pad": way}


def conv(draw: Draw) -> None:
    """Conv in one to three dimensions, in groups, strided, dilated, padded in every way."""
    axes = _axes(draw)
    groups = draw.one_of([1, 1, 1, 2, 4, 8])
    each = draw.one_of([1, 1, 2, 3, 4])
    depthwise = draw.chance(0.25)
    inputs, outputs = groups * each, groups * draw.one_of([1, 2, 3, 4, 8])
    if depthwise:
        groups = inputs = draw.one_of([2, 3, 8, 16])
        outputs, each = groups * draw.one_of([1, 1, 2]), 1
    kernel = [draw.integer(1, 5) for _ in range(axes)]
    if draw.chance(0.5):
        kernel = [draw.one_of([1, 3, 3, 5])] * axes
    shape = draw.image(inputs, axes, 1)
    attributes = {
        **_padding(draw, axes, kernel),
        **draw.some(
            strides=[draw.integer(1, 3) for _ in range(axes)],
            kernel_shape=kernel,
        ),
    }
    if draw.chance(0.25):
        attributes["dilations"] = [draw.integer(1, 3) for _ in range(axes)]
    if groups > 1 or draw.chance(0.5):
        attributes["group"] = groups
    constant = 0.9
    weight = draw.operand([outputs, each, *kernel], constant=constant)
    names = [draw.input(shape), weight]
    if draw.chance(0.6):
        names.append(draw.operand([outputs], constant=constant))
    draw.node("Conv", names, **attributes)


def conv_transpose(draw: Draw) -> None:
    """ConvTranspose with output paddings, output shapes, groups and dilations."""
    axes = _axes(draw)
    groups = draw.one_of([1, 1, 1, 2, 4])
    inputs, each = groups * draw.one_of([1, 2, 3]), draw.one_of([1, 2, 3, 4])
    kernel = [draw.integer(1, 5) for _ in range(axes)]
    strides = [draw.integer(1, 3) for _ in range(axes)]
    shape = draw.image(inputs, axes)
    attributes: dict[str, Any] = {
        **_padding(draw, axes, kernel),
        **draw.some(strides=strides, kernel_shape=kernel),
    }
    if draw.chance(0.2):
        attributes["dilations"] = [draw.integer(1, 2) for _ in range(axes)]
    if draw.chance(0.3):
        attributes["output_padding"] = [draw.integer(0, edge - 1) for edge in strides]
    if draw.chance(0.15):
        attributes["output_shape"] = [
            edge * stride + draw.integer(0, 1)
            for edge, stride in zip(shape[2:], strides, strict=True)
        ]
    if groups > 1:
        attributes["group"] = groups
    weight = draw.operand([inputs, each, *kernel], constant=0.9)
    names = [draw.input(shape), weight]
    if draw.chance(0.5):
        names.append(draw.operand([groups * each], constant=0.9))
    draw.node("ConvTranspose", names, **attributes)


def _pool(operator: str) -> Drawer:
    def draw_one(draw: Draw) -> None:
        axes = _axes(draw)
        kernel = [draw.integer(1, 4) for _ in range(axes)]
        attributes = {
            "kernel_shape": kernel,
            **_padding(draw, axes, kernel),
            **draw.some(strides=[draw.integer(1, 3) for _ in range(axes)]),
        }
        shape = draw.image(axes=axes)
        if any(edge < size for edge, size in zip(shape[2:], kernel, strict=True)):
            raise NotDrawn("the kernel is larger than the image")
        least = {"MaxPool": 10, "AveragePool": 10, "LpPool": 18}[operator]
        if draw.opset >= least and draw.chance(0.4):
            attributes["ceil_mode"] = draw.integer(0, 1)
        least = {"MaxPool": 10, "AveragePool": 19, "LpPool": 18}[operator]
        if draw.opset >= least and "auto_pad" not in attributes and draw.chance(0.25):
            attributes["dilations"] = [draw.integer(1, 2) for _ in range(axes)]
        if operator == "AveragePool" and draw.chance(0.5):
            attributes["count_include_pad"] = draw.integer(0, 1)
        if operator == "LpPool" and draw.chance(0.7):
            attributes["p"] = draw.integer(1, 4)
        indices = operator == "MaxPool" and draw.opset >= 8 and draw.chance(0.1)
        if indices and draw.chance(0.5):
            attributes["storage_order"] = draw.integer(0, 1)
        draw.results(operator, [draw.input(shape)], 1 + indices, **attributes)

    return draw_one


def _global_pool(operator: str) -> Drawer:
    def draw_one(draw: Draw) -> None:
        attributes = draw.some(p=draw.integer(1, 4)) if operator == "GlobalLpPool" else {}
        draw.node(operator, [draw.input(draw.image(axes=_axes(draw)))], **attributes)

    return draw_one


def max_unpool(draw: Draw) -> None:
    """MaxUnpool of a MaxPool's results."""
    kernel = [draw.integer(1, 3)] * 2
    attributes = {"kernel_shape": kernel, "strides": kernel}
    value = draw.input(draw.image(least=3))
    names = draw.results("MaxPool", [value], 2, **attributes)
    draw.node("MaxUnpool", names, **attributes)


_COORDINATES = ("asymmetric", "half_pixel", "align_corners", "pytorch_half_pixel")
_ROUNDINGS = ("floor", "ceil", "round_prefer_floor", "round_prefer_ceil")


def resize(draw: Draw) -> None:
    """Resize by scales or sizes, in every mode."""
    shape = draw.image()
    factors = [draw.one_of([0.5, 0.7, 1.0, 1.5, 2.0, 2.0, 3.0]) for _ in range(2)]
    scales = np.array([1, 1, *factors], np.float32)
    after = [max(1, int(edge * factor)) for edge, factor in zip(shape[2:], factors, strict=True)]
    mode = draw.one_of(["nearest", "linear", "linear", "cubic"])
    x = draw.input(shape)
    if draw.opset < 11:
        mode = "linear" if mode == "cubic" else mode
        draw.node("Resize", [x, draw.constant(scales)], mode=mode)
        return
    attributes = draw.some(
        coordinate_transformation_mode=draw.one_of(_COORDINATES),
        nearest_mode=draw.one_of(_ROUNDINGS),
        cubic_coeff_a=draw.one_of([-0.5, -0.75]),
    )
    if draw.opset >= 18 and mode != "nearest" and draw.chance(0.3):
        attributes["antialias"] = 1
    if draw.chance(0.2):
        attributes["exclude_outside"] = 1
    empty = draw.constant(np.empty(0, np.float32)) if draw.opset < 13 else ""
    if draw.chance(0.5):
        names = [x, empty, draw.constant(scales)]
    else:
        names = [x, empty, empty, draw.constant([*shape[:2], *after], "int64")]
    draw.node("Resize", names, mode=mode, **attributes)


def upsample(draw: Draw) -> None:
    """Upsample by an attribute or an input."""
    mode = draw.one_of(["nearest", "linear"])
    scales = [1.0, 1.0, draw.one_of([1.0, 1.5, 2.0, 3.0]), draw.one_of([1.0, 1.5, 2.0, 3.0])]
    x = draw.input(draw.image())
    if draw.opset < 9:
        draw.node("Upsample", [x], mode=mode, scales=scales)
    else:
        draw.node("Upsample", [x, draw.constant(scales, "float32")], mode=mode)


def grid_sample(draw: Draw) -> None:
    """GridSample in every mode."""
    shape = draw.image()
    grid = [shape[0], draw.integer(1, 7), draw.integer(1, 7), 2]
    modes = (
        ["bilinear", "nearest", "bicubic"] if draw.opset < 20 else ["linear", "nearest", "cubic"]
    )
    attributes = draw.some(
        mode=draw.one_of(modes),
        padding_mode=draw.one_of(["zeros", "border", "reflection"]),
        align_corners=draw.integer(0, 1),
    )
    draw.node("GridSample", [draw.input(shape), draw.operand(grid)], **attributes)


def affine_grid(draw: Draw) -> None:
    """AffineGrid of two dimensions."""
    batch = draw.integer(1, 2)
    size = draw.constant([batch, 3, draw.integer(1, 7), draw.integer(1, 7)], "int64")
    attributes = draw.some(align_corners=draw.integer(0, 1))
    draw.node("AffineGrid", [draw.input([batch, 2, 3]), size], **attributes)


def roi_align(draw: Draw) -> None:
    """RoiAlign of constant boxes."""
    shape, count = draw.image(least=4), draw.integer(1, 3)
    corners = draw.random.uniform(0, 3, [count, 2])
    boxes = np.concatenate([corners, corners + draw.random.uniform(0.5, 6, [count, 2])], axis=1)
    attributes = draw.some(
        mode=draw.one_of(["avg", "max"]),
        output_height=draw.integer(1, 4),
        output_width=draw.integer(1, 4),
        sampling_ratio=draw.integer(0, 3),
        spatial_scale=draw.one_of([0.5, 1.0]),
    )
    if draw.opset >= 16:
        mode = draw.one_of(["half_pixel", "output_half_pixel"])
        attributes |= draw.some(coordinate_transformation_mode=mode)
    batch = draw.random.integers(0, shape[0], [count])
    names = [draw.input(shape), draw.constant(boxes, "float32"), draw.constant(batch, "int64")]
    draw.node("RoiAlign", names, **attributes)


def space_to_depth(draw: Draw) -> None:
    """SpaceToDepth by two or three."""
    block = draw.integer(1, 3)
    shape = draw.image()
    shape[2:] = [block * draw.integer(1, 5), block * draw.integer(1, 5)]
    draw.node("SpaceToDepth", [draw.input(shape)], blocksize=block)


def depth_to_space(draw: Draw) -> None:
    """DepthToSpace in both orders."""
    block = draw.integer(1, 3)
    shape = draw.image(block * block * draw.integer(1, 4))
    attributes = {} if draw.opset < 11 else draw.some(mode=draw.one_of(["DCR", "CRD"]))
    draw.node("DepthToSpace", [draw.input(shape)], blocksize=block, **attributes)


def col2im(draw: Draw) -> None:
    """Col2Im of two dimensions."""
    kernel, image = [draw.integer(1, 3), draw.integer(1, 3)], [draw.integer(3, 8)] * 2
    columns = (image[0] - kernel[0] + 1) * (image[1] - kernel[1] + 1)
    if columns < 1:
        raise NotDrawn("the kernel is larger than the image")
    x = draw.input([1, draw.integer(1, 3) * kernel[0] * kernel[1], columns])
    draw.node("Col2Im", [x, draw.constant(image, "int64"), draw.constant(kernel, "int64")])


DRAWERS: dict[str, Drawer] = {
    "Conv": conv,
    "ConvTranspose": conv_transpose,
    "MaxPool": _pool("MaxPool"),
    "AveragePool": _pool("AveragePool"),
    "LpPool": _pool("LpPool"),
    "GlobalAveragePool": _global_pool("GlobalAveragePool"),
    "GlobalMaxPool": _global_pool("GlobalMaxPool"),
    "GlobalLpPool": _global_pool("GlobalLpPool"),
    "MaxUnpool": max_unpool,
    "Resize": resize,
    "Upsample": upsample,
    "GridSample": grid_sample,
    "AffineGrid": affine_grid,
    "RoiAlign": roi_align,
    "SpaceToDepth": space_to_depth,
    "DepthToSpace": depth_to_space,
    "Col2Im": col2im,
}
