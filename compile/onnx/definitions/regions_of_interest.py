"""The means or maxima of an image in boxes, sampled between its pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from compile.onnx.function_body import Body, Operation
from depthbench.errors import InputError

if TYPE_CHECKING:
    import onnx


def _roi_align(operation: Operation) -> onnx.FunctionProto | None:
    """Of constant boxes, the pixels around each sample times their weights.

    TVM's offset of half a pixel forgets that boxes are scaled, and its maximum is over samples:
    ONNX Runtime's is over their pixels, each times its weight.
    """
    shape = operation.shape(0)
    boxes, batches = operation.constant(1), operation.constant(2)
    if shape is None or boxes is None or batches is None:
        return _of_computed_boxes(operation)
    mean = operation.attributes["mode"] == "avg"
    samples = [_samples(operation.attributes, box, shape) for box in boxes.astype(np.float32)]
    most = max(places.shape[-1] for places, _ in samples)
    places, weights = (
        np.stack([_filled(one, most, mean) for one in arrays])
        for arrays in zip(*samples, strict=True)
    )
    count, channels, height, width = shape
    first = batches.astype(np.int64).reshape(-1, 1, 1, 1) * height * width
    body = Body(operation)
    pixels = body("Transpose", body.inputs[0], perm=(0, 2, 3, 1))
    pixels = body.reshape(pixels, [count * height * width, channels])
    pixels = body("Gather", pixels, body.constant(first + places), axis=0)
    pixels = body("Mul", pixels, body.constant(weights[..., np.newaxis], operation.dtype(0)))
    y = body.reduce("ReduceSum" if mean else "ReduceMax", pixels, [3], keepdims=False)
    return body.function(body("Transpose", y, perm=(0, 3, 1, 2)))


def _filled(array: np.ndarray, length: int, mean: bool) -> np.ndarray:
    """The array with a longer last axis: more of its last, or zeros, changes no maximum or mean."""
    missing = [(0, 0), (0, 0), (0, length - array.shape[-1])]
    return np.pad(array, missing, mode="constant" if mean else "edge")


def _samples(
    attributes: dict[str, Any], box: np.ndarray, shape: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """The places and the weights of all pixels of a box's samples, [rows, columns, pixels]."""
    (rows, down), (columns, across) = (
        _along(attributes, box[[axis, axis + 2]], output, length)
        for axis, output, length in ((1, "output_height", shape[2]), (0, "output_width", shape[3]))
    )
    places = rows[:, None, :, None, :, None] * shape[3] + columns[:, None, :, None]
    weights = down[:, None, :, None, :, None] * across[:, None, :, None]
    if attributes["mode"] == "avg":
        weights = weights / np.float32(rows.shape[1] * columns.shape[1])
    flat = (len(rows), len(columns), -1)
    return places.reshape(flat), weights.reshape(flat)


def _along(
    attributes: dict[str, Any], ends: np.ndarray, output: str, length: int
) -> tuple[np.ndarray, np.ndarray]:
    """The same along one axis, [bins, samples, 2]; in float32, as ONNX Runtime does."""
    aligned = attributes.get("coordinate_transformation_mode") == "half_pixel"
    bins = attributes[output]
    start, end = ends * np.float32(attributes["spatial_scale"]) - np.float32(0.5 * aligned)
    reach = end - start if aligned else max(end - start, np.float32(1))
    step = reach / np.float32(bins)
    number = attributes["sampling_ratio"] or int(np.ceil(step))
    samples = np.arange(max(number, 1), dtype=np.float32) + np.float32(0.5)
    first = start + np.arange(bins, dtype=np.float32)[:, None] * step
    at = first + samples * step / np.float32(len(samples))
    outside = (at < -1) | (at > length) | (number < 1)
    at = np.clip(at, 0, length - 1)
    low = at.astype(np.int64)
    part = at - low.astype(np.float32)
    weights = np.stack([1 - part, part], axis=-1)
    places = np.stack([low, np.minimum(low + 1, length - 1)], axis=-1)
    return places, np.where(outside[..., None], np.float32(0), weights)


def _of_computed_boxes(operation: Operation) -> onnx.FunctionProto | None:
    attributes = operation.attributes
    if attributes["mode"] == "max" or attributes["sampling_ratio"] < 1:
        raise InputError(
            "its boxes are computed",
            advice="give it constant boxes, or the mean of a fixed number of samples",
        )
    if attributes["spatial_scale"] == 1:
        return None
    body = Body(operation)
    scale = body.constant(attributes["spatial_scale"], operation.dtype(1))
    operands = [body.inputs[0], body("Mul", body.inputs[1], scale), body.inputs[2]]
    return body.function(body("RoiAlign", *operands, **attributes | {"spatial_scale": 1.0}))


DEFINITIONS = {("", "RoiAlign"): _roi_align}
