"""A model's ONNX file with its calibration in it: the output that is depth gives metres."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.calibration.calibrated import Calibrated
from depthbench.errors import CheckFailed, InputError
from depthbench.files import write_whole

if TYPE_CHECKING:
    import onnx

NAME = "metres"
CLIP_WITH_INPUTS = 11
"""The first opset whose Clip takes its limits as inputs."""

TOLERANCE = 1e-4
"""Largest relative difference between the file's metres and those by the card."""

MADE_FROM = ("depthbench.format", "made_from")
"""Metadata of a network as it was exported, which this file no longer is."""


def write_metric_onnx(calibrated: Calibrated, path: Path) -> float:
    """Write the model with nodes behind its depth, so that it gives metres as 1x1xHxW has them.

    The output keeps its place and is called `metres`; the file's metadata holds the card. ONNX
    Runtime computes it on a seeded image before it is moved into place; returns the largest
    relative difference from the model's own output by the card. Raises InputError where `path`
    is the model itself or a card beside it would win, CheckFailed where the two disagree.
    """
    from compile.onnx import model_file

    model = calibrated.model
    if path.exists() and any(
        path.samefile(own) for own in (model.path, model.file) if own.exists()
    ):
        raise InputError(f"{path} is the model itself", advice="give another file")
    beside = Path(f"{path}.json")
    if beside.exists():
        raise InputError(f"{beside} would win over what is written", advice="remove it")
    proto = model_file.read(model.file).proto
    _append(proto, calibrated)
    content = proto.SerializeToString()
    difference = _check(calibrated, content, path)
    write_whole(path, content)
    return difference


def _append(proto: onnx.ModelProto, calibrated: Calibrated) -> None:
    import onnx
    from onnx import TensorProto, helper

    from depthnet.card.statements import METADATA

    graph, card = proto.graph, calibrated.after
    taken = {name for node in graph.node for name in (*node.input, *node.output)}
    taken |= {value.name for value in (*graph.input, *graph.initializer, *graph.output)}

    def free(name: str) -> str:
        while name in taken:
            name += "_"
        taken.add(name)
        return name

    names = [output.name for output in graph.output]
    place = names.index(calibrated.before.card.output or names[0])
    last = names[place]

    def add(kind: str, *more: str, **attributes: Any) -> None:
        nonlocal last
        made = free(f"calibrated_{kind}")
        graph.node.append(helper.make_node(kind, [last, *more], [made], **attributes))
        last = made

    def constant(value: float) -> str:
        name = free("calibration")
        tensor = helper.make_tensor(name, TensorProto.FLOAT, [], [value])
        graph.node.append(helper.make_node("Constant", [], [name], value=tensor))
        return name

    if graph.output[place].type.tensor_type.elem_type != TensorProto.FLOAT:
        add("Cast", to=TensorProto.FLOAT)
    add("Mul", constant(card.scale))
    add("Add", constant(card.shift))
    if card.clip:
        opset = next(one.version for one in proto.opset_import if one.domain in ("", "ai.onnx"))
        if opset >= CLIP_WITH_INPUTS:
            add("Clip", *map(constant, card.clip))
        else:
            add("Clip", min=card.clip[0], max=card.clip[1])
    if card.meaning == "inverse-metres":
        add("Reciprocal")
    name = free(NAME)
    graph.node.append(helper.make_node("Identity", [last], [name]))
    shape = graph.output[place].type.tensor_type.shape
    value = helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
    if graph.output[place].type.tensor_type.HasField("shape"):
        value.type.tensor_type.shape.CopyFrom(shape)
    graph.output[place].CopyFrom(value)
    kept = {prop.key: prop.value for prop in proto.metadata_props if prop.key not in MADE_FROM}
    onnx.helper.set_model_props(proto, {**kept, METADATA: json.dumps(_card(calibrated, name))})


def _card(calibrated: Calibrated, output: str) -> dict[str, Any]:
    """The card of the file: all in it is done but for the focal length.

    Its output stays metres where it is calibrated again.
    """
    said = calibrated.after.said()
    metres = {"meaning": "metres", "scale": 1.0, "shift": 0.0}
    done = ("preset", "clip", "" if calibrated.model.source else "size")
    kept = {key: value for key, value in said.items() if key not in done}
    return {**kept, "output": output, **metres, "calibration": {**said["calibration"], **metres}}


def _check(calibrated: Calibrated, content: bytes, path: Path) -> float:
    import onnxruntime

    before = calibrated.before
    size = before.fixed_size or before.input_size((480, 640))
    image = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
    given = {before.input.name: before.to_input(image)}

    def run(model: bytes | str) -> dict[str, Any]:
        session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
        return dict(
            zip([one.name for one in session.get_outputs()], session.run(None, given), strict=True)
        )

    was, now = run(str(calibrated.model.path)), run(content)
    network_input = given[before.input.name]
    by_card = replace(before, card=calibrated.after).depth_map(was, network_input)
    if calibrated.after.meaning == "inverse-metres":
        by_card = 1 / by_card
    place = list(was).index(before.card.output or next(iter(was)))
    there = np.asarray(list(now.values())[place], dtype=np.float32).reshape(by_card.shape)
    difference = float(np.max(np.abs(there - by_card)) / np.max(np.abs(by_card)))
    if not difference <= TOLERANCE:
        raise CheckFailed(
            f"{path}: ONNX Runtime gives other metres than the card, by {difference:.1g}"
        )
    return difference
