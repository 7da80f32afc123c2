"""Resizes of every kind and opset compute what ONNX Runtime does on the user's file."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from compile.onnx.checked_model import load_model
from compile.onnx.resize import replace_resizes, written_resizes
from compile.pipeline import compile_model
from depthbench.errors import InputError
from tests.compile.conftest import Agree, Graph, run_onnxruntime

SUMS = {"Add", "Mul", "Gather", "MatMul", "Transpose", "Identity", "Constant"}
MODES = ("nearest", "linear", "cubic")
ROUNDINGS = ("round_prefer_floor", "round_prefer_ceil", "floor", "ceil")
COORDINATES: dict[int, tuple[str, ...]] = {
    11: ("half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric", "tf_crop_and_resize"),
}
COORDINATES[13] = COORDINATES[18] = COORDINATES[11]
COORDINATES[11] += ("tf_half_pixel_for_nn",)
COORDINATES[19] = (*COORDINATES[13], "half_pixel_symmetric")


def rewritten(model: onnx.ModelProto) -> onnx.ModelProto:
    model = copy.deepcopy(model)
    opset = model.opset_import[0].version
    made = replace_resizes(model, written_resizes(Path("m.onnx"), model, opset))
    if opset < 13:  # what was written is of opset 13: of another, the other nodes are upgraded
        made.opset_import[0].version = 13
    return made


def model_of(case: dict[str, Any]) -> onnx.ModelProto:
    graph = Graph()
    x = graph.input(case["shape"])
    opset, attributes = case["opset"], dict(case["attributes"])
    scales = None if "scales" not in case else np.array(case["scales"], np.float32)
    if opset < 9:
        attributes["scales"] = [float(np.float32(scale)) for scale in case["scales"]]
        return graph.model(graph.add("Upsample", x, **attributes), opset=opset)
    if opset < 11:
        operator = "Upsample" if opset == 9 else "Resize"
        return graph.model(
            graph.add(operator, x, graph.constant(scales), **attributes), opset=opset
        )
    empty = graph.constant(np.zeros(0, np.float32)) if case["empty"] else ""
    roi = graph.constant(np.array(case["roi"], np.float32)) if "roi" in case else empty
    inputs = [x, roi, empty if scales is None else graph.constant(scales)]
    if scales is None:
        inputs.append(graph.constant(np.array(case["sizes"], np.int64)))
    return graph.model(graph.add("Resize", *inputs, **attributes), opset=opset)


@st.composite
def cases(draw: st.DrawFn) -> dict[str, Any]:
    """A resize of an image, of any opset that defines it."""
    opset = draw(st.sampled_from((7, 8, 9, 10, 11, 12, 13, 17, 18, 19, 22)))
    edge = st.integers(1, 9)
    shape = [draw(st.integers(1, 2)), draw(st.integers(1, 3)), draw(edge), draw(edge)]
    low = 1.0 if opset < 10 else 0.25
    whole = st.integers(1, 3).map(float)
    scale = st.one_of(whole, st.floats(low, 3, width=32), st.just(0.5) if low < 1 else whole)
    scales = [draw(scale), draw(scale)]
    if opset < 11:
        mode = draw(st.sampled_from(MODES[:2]))
        result: dict[str, Any] = {"opset": opset, "shape": shape, "attributes": {"mode": mode}}
        result["scales"] = [1, 1, *scales]
        result["empty"] = False
    else:
        since = max(version for version in COORDINATES if version <= opset)
        attributes: dict[str, Any] = {
            "mode": draw(st.sampled_from(MODES)),
            "coordinate_transformation_mode": draw(st.sampled_from(COORDINATES[since])),
            "nearest_mode": draw(st.sampled_from(ROUNDINGS)),
        }
        if attributes["mode"] == "cubic":
            attributes["cubic_coeff_a"] = draw(st.sampled_from((-0.75, -0.5, -0.3)))
            attributes["exclude_outside"] = draw(st.integers(0, 1))
        if opset >= 18 and attributes["mode"] != "nearest":
            attributes["antialias"] = draw(st.integers(0, 1))
        # torch and tf2onnx write inputs that are not used as empty tensors.
        empty = opset < 13 or draw(st.booleans())
        result = {"opset": opset, "shape": shape, "attributes": attributes, "empty": empty}
        subset = opset >= 18 and draw(st.booleans())
        ends = [1.0, 1.0] if subset else [1.0] * 4
        starts = [0.0] * len(ends)
        if attributes["coordinate_transformation_mode"] == "tf_crop_and_resize":
            starts[-2:] = [draw(st.floats(-0.5, 0.375, width=32)) for _ in range(2)]
            ends[-2:] = [draw(st.floats(0.5, 1.5, width=32)) for _ in range(2)]
            result["roi"] = [*starts, *ends]
            attributes["extrapolation_value"] = draw(st.sampled_from((0.0, 2.5)))
        if subset:
            attributes["axes"] = draw(st.sampled_from(([2, 3], [-2, -1])))
        rest = [] if subset else [1, 1]
        if draw(st.booleans()):
            result["scales"] = [*rest, *scales]
        else:
            rest = [] if subset else shape[:2]
            result["sizes"] = [*rest, draw(edge), draw(edge)]
            if opset >= 18 and draw(st.booleans()):
                policy = draw(st.sampled_from(("not_larger", "not_smaller")))
                attributes["keep_aspect_ratio_policy"] = policy
                assume(min(attributes.get("axes", [0])) >= 0)
    if "scales" in result:
        assume(all(int(np.float32(s) * n) >= 1 for s, n in zip(scales, shape[2:], strict=True)))
    return result


def original(model: onnx.ModelProto) -> np.ndarray:
    try:
        result = run_onnxruntime(model)
    except Exception:  # ONNX Runtime does not run every combination
        assume(False)
        raise
    assume(result.size)
    return result


@settings(max_examples=300, deadline=None, derandomize=True)
@given(cases())
def test_every_resize_computes_what_onnx_runtime_does(case: dict[str, Any]) -> None:
    model = model_of(case)
    wanted = original(model)
    np.testing.assert_allclose(run_onnxruntime(rewritten(model)), wanted, rtol=1e-5, atol=2e-5)


@settings(max_examples=25, deadline=None, derandomize=True)
@given(cases())
def test_every_resize_compiles(agree: Agree, case: dict[str, Any]) -> None:
    model = model_of(case)
    original(model)
    agree(model)


@pytest.mark.parametrize("opset", [7, 9, 10])
def test_old_bilinear_resizes_are_asymmetric(tmp_path: Path, opset: int) -> None:
    case = {"opset": opset, "shape": [1, 2, 4, 5], "attributes": {"mode": "linear"}}
    model = model_of({**case, "scales": [1, 1, 2, 2], "empty": False})
    onnx.save(model, str(tmp_path / "m.onnx"))
    artefact = compile_model(tmp_path / "m.onnx", "host", tmp_path / "out")
    assert max(artefact.manifest["check"]["relative_difference"].values()) < 1e-5
    (node,) = (one for one in rewritten(model).graph.node if one.op_type == "Resize")
    modes = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
    assert modes["coordinate_transformation_mode"] == b"asymmetric"


@pytest.mark.parametrize(
    ("attributes", "size"),
    [
        ({"mode": "linear", "antialias": 1}, [3, 4]),
        ({"mode": "cubic", "antialias": 1}, [4, 3]),
        ({"mode": "linear", "coordinate_transformation_mode": "align_corners"}, [1, 9]),
    ],
)
def test_what_tvm_does_not_know_is_written_as_sums(
    agree: Agree, attributes: dict[str, Any], size: list[int]
) -> None:
    case = {"opset": 19, "shape": [1, 2, 9, 12], "attributes": attributes, "empty": False}
    model = model_of({**case, "sizes": [1, 2, *size]})
    assert {node.op_type for node in rewritten(model).graph.node} <= SUMS
    agree(model)


def test_byte_images_are_copied_but_not_mixed(tmp_path: Path, graph: Graph) -> None:
    x = graph.add("Cast", graph.input([1, 2, 4, 6]), to=onnx.TensorProto.UINT8)
    scales = graph.constant(np.array([1, 1, 1.3, 1.7], np.float32))
    y = graph.add("Resize", x, "", scales, mode="linear")
    model = graph.model(graph.add("Cast", y, to=onnx.TensorProto.FLOAT))
    onnx.save(model, str(tmp_path / "m.onnx"))
    with pytest.raises(InputError, match=r"resize1_0.*uint8.*cast its input to float32"):
        load_model(tmp_path / "m.onnx")


def test_size_from_the_shape_of_another_value(agree: Agree, graph: Graph) -> None:
    x, other = graph.input([1, 3, 4, 5]), graph.input([1, 2, 9, 7], "other")
    size = graph.add("Slice", graph.add("Shape", other), *map(graph.constant, ([2], [4])))
    size = graph.add("Concat", graph.constant([1, 3]), size, axis=0)
    empty = graph.constant(np.zeros(0, np.float32))
    corners: dict[str, Any] = {"coordinate_transformation_mode": "align_corners"}
    resized = graph.add("Resize", x, empty, empty, size, mode="linear", **corners)
    agree(graph.model(resized, graph.add("Relu", other), opset=11))


def test_aspect_ratio_of_axes_from_the_end_is_refused(tmp_path: Path) -> None:
    attributes = {"axes": [-2, -1], "keep_aspect_ratio_policy": "not_larger"}
    case = {"opset": 18, "shape": [1, 2, 4, 6], "attributes": attributes, "empty": False}
    onnx.save(model_of({**case, "sizes": [3, 3]}), str(tmp_path / "m.onnx"))
    with pytest.raises(InputError, match=r"resize0_0.*count them from the front"):
        load_model(tmp_path / "m.onnx")


def test_scales_that_do_not_fit_the_axes_are_refused(tmp_path: Path) -> None:
    case = {"opset": 13, "shape": [1, 2, 4, 6], "attributes": {}, "empty": False}
    model = model_of({**case, "scales": [1, 1, 2, 2]})
    model.graph.initializer[0].CopyFrom(
        onnx.numpy_helper.from_array(np.array([2, 2], np.float32), "c0")
    )
    onnx.save(model, str(tmp_path / "m.onnx"))
    with pytest.raises(InputError, match="2 scales for 4 axes"):
        load_model(tmp_path / "m.onnx")
