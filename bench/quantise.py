"""Quantise an ONNX model with ONNX Runtime, calibrated on training images."""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.accuracy.evaluate import default_data
from bench.model_card import NOTHING, Asked, card_to_keep, describe_model
from bench.models import Model, load_model
from depthbench import cancellation
from depthbench.errors import DepthbenchError, InputError
from depthbench.files import make_folder
from depthbench.one_line import one_line
from depthbench.plural import counted
from depthbench.progress import Progress

if TYPE_CHECKING:
    import onnx
    from numpy.typing import NDArray

    from depthnet.card.depth_model import DepthModel

PRODUCTS = ("Conv", "Gemm", "MatMul")
STAMP = "quantised"
RECIPE = 2
"""Counts the changes of this code that change its files: those made before are made again."""
SCALES_BY_CHANNEL = 13  # the first opset that has them


@dataclass(frozen=True)
class Calibration:
    """The images that the range of each tensor is taken from.

    `data` names a data set, whose split `train` is used: `images` of it, spread evenly, each also
    mirrored, as `protocol` looks at them.
    """

    data: str
    images: int = 100
    protocol: str = "eigen"


def quantise(
    model: Model,
    path: Path,
    calibration: Calibration | None = None,
    progress: Progress = lambda line: None,
    asked: Asked = NOTHING,
) -> Model:
    """Write `model` to `path` with the inputs and weights of its products as bytes (QDQ form).

    Weights are int8, with a scale for each output channel, or before opset 13 with one; images are
    uint8, with one scale. What lies between products stays float32, and so do three kinds of
    products: the first and the last, whose errors nothing after or before them evens out, and
    depthwise convolutions, which gain little. A file that holds the same already is kept. Raises
    InputError for a model that is quantised, takes no image, or has no product to quantise, and
    where the data cannot be had.
    """
    import onnx
    from onnxruntime import quantization as ort

    from compile.onnx import model_file
    from depthnet.card.statements import METADATA
    from depthnet.data import open_dataset

    calibration = calibration or Calibration(default_data())
    depth_model = describe_model(model, asked, only_input=True)
    used = depth_model.card.said()
    stamp = {"recipe": RECIPE, "source_sha256": model.sha256, **asdict(calibration), "card": used}
    if path.is_file():
        old = load_model(path, model.name)
        if old.metadata.get(STAMP) == json.dumps(stamp):
            return old
    if model.quantised:
        raise InputError(f"{model.file} is quantised already", advice="give the float32 model")
    dataset = open_dataset(calibration.data, "train")
    height, width = dataset[0].image.shape[:2]
    depth_model.input_size((height, width))
    graph = _prepared(model_file.read(model.path).proto)
    chosen = inner_products(graph.graph)
    if not chosen:
        raise InputError(f"{model.file} has no convolution to quantise but the first and the last")
    progress(f"calibrating on {counted(calibration.images, 'image')} of {dataset.name}")
    images = _images(dataset, calibration, depth_model)
    reader = _Reader({depth_model.input.name: image} for image in images)
    make_folder(path.parent)
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=f".{path.name}-") as folder:
        fresh = Path(folder) / path.name
        with _quiet(), _refusals(model.file):
            ort.quantize_static(
                graph,
                fresh,
                reader,
                quant_format=ort.QuantFormat.QDQ,
                op_types_to_quantize=list(PRODUCTS),
                nodes_to_quantize=chosen,
                per_channel=_opset(graph) >= SCALES_BY_CHANNEL,
                activation_type=ort.QuantType.QUInt8,
                weight_type=ort.QuantType.QInt8,
                calibrate_method=ort.CalibrationMethod.MinMax,
                extra_options={"OpTypesToExcludeOutputQuantization": list(PRODUCTS)},
            )
        result = onnx.load(str(fresh))
        props = {prop.key: prop.value for prop in graph.metadata_props}
        card = card_to_keep(model, asked)
        kept = {METADATA: json.dumps(card)} if card else {}
        onnx.helper.set_model_props(result, {**props, **kept, STAMP: json.dumps(stamp)})
        onnx.save(result, str(fresh))
        os.replace(fresh, path)
    return load_model(path, model.name)


def _prepared(proto: onnx.ModelProto) -> onnx.ModelProto:
    """The model in fp32, with weights where it computes them and a name for each node."""
    import onnx.inliner

    from compile.onnx.folding.constant_folding import fold_constants
    from compile.onnx.repairs import forget_types_of_weights, remove_defaults, sort_nodes
    from compile.onnx.widening import widen

    if proto.functions:
        proto = onnx.inliner.inline_local_functions(proto)
    sort_nodes(proto.graph)
    forget_types_of_weights(proto)
    remove_defaults(proto.graph)
    widen(proto)
    fold_constants(proto)
    for number, node in enumerate(proto.graph.node):
        node.name = node.name or f"{node.op_type}/{number}"
    return proto


def _opset(proto: onnx.ModelProto) -> int:
    from compile.onnx.model_file import STANDARD_DOMAINS

    return max(one.version for one in proto.opset_import if one.domain in STANDARD_DOMAINS)


def inner_products(graph: onnx.GraphProto) -> list[str]:
    """Names of the products by constants between the first and the last, but depthwise ones.

    First are those that no other product comes before on the way from an input; last, those that
    none comes after.
    """
    weights = {tensor.name: list(tensor.dims) for tensor in graph.initializer}
    products = [node for node in graph.node if _is_product(node, weights)]
    names = {id(node) for node in products}
    behind: set[str] = set()  # values that a product has a part in
    first = set()
    for node in graph.node:
        after = any(name in behind for name in node.input)
        if id(node) in names and not after:
            first.add(node.name)
        if after or id(node) in names:
            behind.update(node.output)
    before: set[str] = set()  # values that have a part in a product
    last = set()
    for node in reversed(graph.node):
        ahead = any(name in before for name in node.output)
        if id(node) in names and not ahead:
            last.add(node.name)
        if ahead or id(node) in names:
            before.update(node.input)
    return [
        node.name
        for node in products
        if node.name not in first | last and not _is_depthwise(node, weights)
    ]


def _is_product(node: onnx.NodeProto, weights: dict[str, list[int]]) -> bool:
    return node.op_type in PRODUCTS and len(node.input) > 1 and node.input[1] in weights


def _is_depthwise(node: onnx.NodeProto, weights: dict[str, list[int]]) -> bool:
    shape = weights[node.input[1]]
    return node.op_type == "Conv" and shape[1] == 1 and shape[0] > 1


def _images(dataset: Any, calibration: Calibration, depth_model: DepthModel) -> Iterator[NDArray]:
    import numpy as np

    from depthnet.scoring import protocols

    rule = protocols.get(calibration.protocol)
    count = min(calibration.images, len(dataset))
    for index in np.linspace(0, len(dataset) - 1, count).astype(int):
        cancellation.check()
        pair = dataset[int(index)]
        image, _ = rule.apply_view(pair.image, pair.depth)
        network_input = depth_model.to_input(image)
        yield from (network_input, depth_model.mirrored(network_input))


class _Reader:
    """What ONNX Runtime's calibration reads images from."""

    def __init__(self, inputs: Iterator[dict[str, NDArray]]) -> None:
        self._inputs = chain(inputs, [None])

    def get_next(self) -> dict[str, NDArray] | None:
        return next(self._inputs)


@contextmanager
def _refusals(path: Path) -> Iterator[None]:
    """What ONNX Runtime cannot run or quantise, as one line."""
    try:
        yield
    except DepthbenchError:
        raise
    except Exception as error:  # its exceptions share no base class but this
        raise InputError(
            f"ONNX Runtime cannot calibrate {path}: {one_line(error)}",
            advice="if its axes are open, give the size that it was exported at: --size",
        ) from error


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the advice that ONNX Runtime and its quantiser log, whatever they are given."""
    import onnxruntime

    onnxruntime.set_default_logger_severity(4)
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)
