from __future__ import annotations

from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from compile.check import check_against_onnxruntime, random_inputs, relative_difference
from compile.onnx import checked_model
from compile.onnx.checked_model import Port, load_model
from compile.pipeline import compile_model
from compile.reference import Reference
from depthbench.errors import CheckFailed, InputError
from tests.compile.conftest import Graph


@given(arrays.arrays(np.float32, (3, 4), elements=st.floats(-100, 100, width=32)))
def test_difference_with_itself_is_zero(value: np.ndarray) -> None:
    assert relative_difference(value, value) == 0


@given(
    arrays.arrays(np.float32, 6, elements=st.floats(-100, 100, width=32)),
    st.integers(0, 5),
    st.floats(1, 50),
)
def test_difference_is_the_error_over_the_largest(
    value: np.ndarray, index: int, error: float
) -> None:
    value[0] = 128
    wrong = value.astype(np.float64)
    wrong[index] += error
    assert relative_difference(wrong, value) == pytest.approx(error / 128)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_not_finite_must_stand_at_the_same_place(bad: float) -> None:
    value, other = np.array([1.0, bad]), np.array([bad, 1.0])
    assert relative_difference(value, value) == 0
    assert relative_difference(value, other) == float("inf")
    assert relative_difference(np.array([1.0, 2.0]), value) == float("inf")


def test_other_shape_is_infinitely_far() -> None:
    assert relative_difference(np.zeros((2, 1)), np.zeros((1, 2))) == float("inf")


def test_random_inputs_are_seeded_and_in_range() -> None:
    ports = [Port("image", (1, 3, 8, 8), "float32"), Port("tokens", (1, 40), "int64")]
    first, second = random_inputs(ports), random_inputs(ports)
    assert (first["image"] == second["image"]).all()
    assert 0 <= first["image"].min() < first["image"].max() < 1
    assert first["image"].dtype == np.float32
    assert set(first["tokens"].ravel()) == {0, 1}


def test_wrong_result_fails_with_one_line(tmp_path: Path, graph: Graph) -> None:
    model = graph.model(graph.add("Relu", graph.input([2, 3])))
    onnx.save(model, str(tmp_path / "m.onnx"))
    source = load_model(tmp_path / "m.onnx")
    name = source.outputs[0]
    with pytest.raises(CheckFailed, match="differs from ONNX Runtime") as caught:
        check_against_onnxruntime(source, lambda x: {name: x["x"] + 0.1}, where="test")
    assert "\n" not in str(caught.value)
    account = check_against_onnxruntime(source, lambda x: {name: x["x"]}, where="test")
    assert account["relative_difference"] == {name: 0.0}
    assert account["constant_outputs"] == []


def test_another_type_fails(tmp_path: Path, graph: Graph) -> None:
    model = graph.model(graph.add("Relu", graph.input([2, 3])))
    onnx.save(model, str(tmp_path / "m.onnx"))
    source = load_model(tmp_path / "m.onnx")
    name = source.outputs[0]
    with pytest.raises(CheckFailed, match="is float64, that of ONNX Runtime float32"):
        check_against_onnxruntime(source, lambda x: {name: x["x"].astype(float)}, where="test")


def test_constant_and_broken_references_are_named(tmp_path: Path, graph: Graph) -> None:
    x = graph.input([2, 3])
    flat = graph.add("Mul", x, graph.constant(np.float32(0)))
    broken = graph.add("Sqrt", graph.add("Sub", x, graph.constant(np.float32(9))))
    onnx.save(graph.model(flat, broken), str(tmp_path / "m.onnx"))
    source = load_model(tmp_path / "m.onnx")
    results = {
        flat: np.zeros((2, 3), np.float32),
        broken: np.full((2, 3), np.nan, np.float32),
    }
    account = check_against_onnxruntime(source, lambda _: results, where="test")
    assert account["constant_outputs"] == [flat]
    assert account["non_finite_outputs"] == [broken]


def flat_and_normalised(graph: Graph, floor: float) -> onnx.ModelProto:
    """What lies below `floor` is raised to it, and all is normalised twice."""
    y = graph.add("Max", graph.input([2, 3, 9]), graph.constant(np.float32(floor)))
    for _ in range(2):
        centred = graph.add("Sub", y, graph.add("ReduceMean", y, axes=[-1]))
        variance = graph.add("ReduceMean", graph.add("Mul", centred, centred), axes=[-1])
        spread = graph.add("Sqrt", graph.add("Add", variance, graph.constant(np.float32(1e-3))))
        y = graph.add("Mul", graph.add("Div", centred, spread), graph.weight(9))
    return graph.model(y, opset=17)


def test_too_few_digits_of_half_are_said(tmp_path: Path, graph: Graph) -> None:
    """All numbers are 1.3, and what is left of them is made of roundings."""
    onnx.save(flat_and_normalised(graph, 1.3), str(tmp_path / "m.onnx"))
    source = load_model(tmp_path / "m.onnx")
    reference = Reference(source)

    def run(inputs: dict[str, np.ndarray], off: float) -> dict[str, np.ndarray]:
        return {name: value + off for name, value in reference.run(inputs).items()}

    with pytest.raises(InputError, match="fp16 keeps too few digits for output") as caught:
        check_against_onnxruntime(source, partial(run, off=0.3), where="test", tolerance=1e-2)
    assert "--precision fp32" in caught.value.advice
    with pytest.raises(CheckFailed):
        check_against_onnxruntime(source, partial(run, off=1e6), where="test", tolerance=1e-2)
    with pytest.raises(CheckFailed):
        check_against_onnxruntime(source, partial(run, off=0.3), where="test", tolerance=1e-3)


@pytest.mark.parametrize("off", [0.3, -0.7])
def test_roundings_alone_fail_no_check(tmp_path: Path, graph: Graph, off: float) -> None:
    """All numbers are 1.3, and their mean is another by a rounding; but for signed inputs."""
    onnx.save(flat_and_normalised(graph, 1.3), str(tmp_path / "m.onnx"))
    source = load_model(tmp_path / "m.onnx")
    (name,) = source.outputs
    reference = Reference(source)

    def run(inputs: dict[str, np.ndarray], *, signed_too: bool = False) -> dict[str, np.ndarray]:
        value = reference.run(inputs)[name]
        signed = inputs["x"].min() < 0
        factor = 1 + off if signed_too or not signed else 1
        return {name: (value * factor).astype(np.float32)}

    account = check_against_onnxruntime(source, run, where="test", signed=True)
    assert account["relative_difference"][name] == pytest.approx(abs(off), rel=1e-3)
    assert account["tolerance"] > abs(off)
    with pytest.raises(CheckFailed, match="differs from ONNX Runtime"):
        check_against_onnxruntime(
            source, lambda inputs: run(inputs, signed_too=True), where="test", signed=True
        )
    with pytest.raises(CheckFailed, match="differs from ONNX Runtime"):
        check_against_onnxruntime(source, run, where="test")


def test_outputs_that_are_never_more_than_roundings_fail(tmp_path: Path, graph: Graph) -> None:
    onnx.save(flat_and_normalised(graph, 9.1), str(tmp_path / "m.onnx"))
    source = load_model(tmp_path / "m.onnx")
    (name,) = source.outputs
    reference = Reference(source)
    with pytest.raises(CheckFailed, match="differs from ONNX Runtime"):
        check_against_onnxruntime(
            source, lambda x: {name: 1.5 * reference.run(x)[name]}, where="test", signed=True
        )


def test_what_was_rewritten_is_checked_too(
    tmp_path: Path, graph: Graph, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(path: Path, proto: onnx.ModelProto, *rest: object) -> onnx.ModelProto:
        proto.graph.node[0].op_type = "Exp"
        return proto

    monkeypatch.setattr(checked_model, "expand_functions", wrong)
    model = graph.model(graph.add("Relu", graph.input([2, 3])))
    onnx.save(model, str(tmp_path / "m.onnx"))
    with pytest.raises(CheckFailed, match="differs from ONNX Runtime"):
        compile_model(tmp_path / "m.onnx", "host", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_file_with_weights_beside_it_and_dynamic_shape_is_checked_as_given(
    tmp_path: Path, graph: Graph
) -> None:
    sum_ = graph.add("Add", graph.input(["n", 64]), graph.weight(1, 64))
    model, place = graph.model(graph.add("Relu", sum_)), str(tmp_path / "m.onnx")
    onnx.save(model, place, save_as_external_data=True, location="w.bin", size_threshold=0)
    file = tmp_path / "m.onnx"
    artefact = compile_model(file, "host", tmp_path / "out", input_shapes={"x": [3, 64]})
    assert max(artefact.manifest["check"]["relative_difference"].values()) < 1e-6


def test_signed_inputs_find_what_is_right_for_images_only(tmp_path: Path, graph: Graph) -> None:
    path = tmp_path / "m.onnx"
    onnx.save(graph.model(graph.add("Abs", graph.input([1, 8]))), str(path))
    source = load_model(path)

    def identity(arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {source.outputs[0]: arrays["x"]}

    check_against_onnxruntime(source, identity, where="test")
    with pytest.raises(CheckFailed, match="differs from ONNX Runtime"):
        check_against_onnxruntime(source, identity, where="test", signed=True)


def test_signed_inputs_count_where_the_reference_is_finite(tmp_path: Path, graph: Graph) -> None:
    x = graph.input([1, 64])
    path = tmp_path / "m.onnx"
    onnx.save(graph.model(graph.add("Log", x)), str(path))
    check = compile_model(path, "host", tmp_path / "out").manifest["check"]
    assert max(check["relative_difference"].values()) <= 1e-4
    assert check["signed"]["relative_difference"] == {}


def test_nan_is_reported_where_it_does_not_arrive(tmp_path: Path, graph: Graph) -> None:
    x = graph.input([2, 3])
    name = graph.add("Sqrt", x)
    onnx.save(graph.model(name, graph.add("Shape", x)), str(tmp_path / "m.onnx"))
    source = load_model(tmp_path / "m.onnx")

    def whole(inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name: np.sqrt(inputs["x"]), source.outputs[1]: np.array([2, 3])}

    def dropped(inputs: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return whole({"x": np.nan_to_num(inputs["x"])})

    for run, arrives in ((whole, True), (dropped, False)):
        account = check_against_onnxruntime(source, run, where="test")
        assert account["nan"]["arrives"] == {name: arrives}


@pytest.mark.parametrize("operator", ["Gather", "TopK"])
def test_nan_is_not_tried_where_places_are_computed(
    tmp_path: Path, graph: Graph, operator: str
) -> None:
    x = graph.input([4])
    if operator == "TopK":
        y, _ = graph.add("TopK", x, graph.constant(np.array([2])), outputs=2)
    else:
        y = graph.add("Gather", x, graph.add("Cast", x, to=onnx.TensorProto.INT64))
    onnx.save(graph.model(y), str(tmp_path / "m.onnx"))
    check = compile_model(tmp_path / "m.onnx", "host", tmp_path / "out").manifest["check"]
    assert check["nan"]["arrives"] is None


def quantised(graph: Graph, layers: int) -> onnx.ModelProto:
    """Convolutions of an image, the input of each as bytes."""
    y = graph.input([1, 16, 16, 16])
    for layer in range(layers):
        scale = graph.constant(np.float32(1 / 255 if layer == 0 else 6 / 255))
        zero = graph.constant(np.uint8(0 if layer == 0 else 128))
        bytes_ = graph.add("QuantizeLinear", y, scale, zero)
        y = graph.convolution(graph.add("DequantizeLinear", bytes_, scale, zero), [16, 16, 3, 3])
    return graph.model(y)


def test_quantised_files_may_differ_by_what_onnxruntime_varies(
    tmp_path: Path, graph: Graph
) -> None:
    onnx.save(quantised(graph, 6), str(tmp_path / "m.onnx"))
    source = load_model(tmp_path / "m.onnx")
    assert source.quantised
    (name,) = source.outputs
    reference = Reference(source)
    account = check_against_onnxruntime(source, reference.run, where="test")
    assert 0 < account["onnxruntime_varies"] < 0.1
    assert account["tolerance"] == max(0.01, 2 * account["onnxruntime_varies"])
    off = 1 + 1.1 * account["tolerance"]
    with pytest.raises(CheckFailed, match="differs from ONNX Runtime"):
        check_against_onnxruntime(
            source, lambda x: {name: off * reference.run(x)[name]}, where="test"
        )


def test_forms_that_onnxruntime_cannot_run_do_not_count(tmp_path: Path, graph: Graph) -> None:
    scale, zero = graph.constant(np.float32(1 / 255)), graph.constant(np.uint8(0))
    bytes_ = graph.add("QuantizeLinear", graph.input([1, 4]), scale, zero)
    y = graph.add("DequantizeLinear", bytes_, scale, zero)
    # Nudged, some of these ends are beyond a whole number, and then there is a number more.
    for end in (4.0, 4.0, 4.0, 4.0, 4.0):
        start, step = graph.constant(np.float32(0)), graph.constant(np.float32(1))
        y = graph.add("Add", y, graph.add("Range", start, graph.constant(np.float32(end)), step))
    onnx.save(graph.model(y), str(tmp_path / "m.onnx"))
    source = load_model(tmp_path / "m.onnx")
    with pytest.raises(InputError, match="cannot run"):
        Reference(source, "nudged").run(random_inputs(source.inputs))
    check = compile_model(tmp_path / "m.onnx", "host", tmp_path / "out").manifest["check"]
    assert check["onnxruntime_varies"] < 0.01


def test_what_onnxruntime_refuses_is_not_tried(tmp_path: Path) -> None:
    """An index past the end might read anywhere."""
    value = onnx.helper.make_tensor_value_info
    node = onnx.helper.make_node("Gather", ["x", "i"], ["z"])
    floats, whole = onnx.TensorProto.FLOAT, onnx.TensorProto.INT64
    inputs, outputs = [value("x", floats, [1]), value("i", whole, [8])], [value("z", floats, [8])]
    model = onnx.helper.make_model(
        onnx.helper.make_graph([node], "g", inputs, outputs),
        opset_imports=[onnx.helper.make_opsetid("", 14)],
        ir_version=9,
    )
    onnx.save(model, str(tmp_path / "m.onnx"))

    def run(feeds: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        raise AssertionError("tried")

    with pytest.raises(InputError, match="ONNX Runtime cannot run"):
        check_against_onnxruntime(load_model(tmp_path / "m.onnx"), run, where="test")


def test_quantised_files_may_be_as_near_to_what_is_rounded(tmp_path: Path, graph: Graph) -> None:
    """What differs from ONNX Runtime by roundings of its own, and by no more than those."""
    scale, zero = graph.constant(np.float32(1 / 15)), graph.constant(np.uint8(0))
    bytes_ = graph.add("QuantizeLinear", graph.input([1, 16, 16, 16]), scale, zero)
    y = graph.add("DequantizeLinear", bytes_, scale, zero)
    onnx.save(graph.model(graph.convolution(y, [16, 16, 3, 3])), str(tmp_path / "m.onnx"))
    source = load_model(tmp_path / "m.onnx")
    (name,) = source.outputs
    given, exact = (Reference(source, form).run for form in ("given", "unrounded"))

    def run(inputs: dict[str, np.ndarray], times: float) -> dict[str, np.ndarray]:
        """As far from what is rounded as ONNX Runtime, times so much, on the other side."""
        middle = exact(inputs)[name]
        return {name: middle - np.float32(times) * (given(inputs)[name] - middle)}

    account = check_against_onnxruntime(source, partial(run, times=0.9), where="test")
    assert account["onnxruntime_varies"] < 0.005
    assert 0.01 < account["relative_difference"][name] <= account["tolerance"]
    with pytest.raises(CheckFailed, match="differs from ONNX Runtime"):
        check_against_onnxruntime(source, partial(run, times=1.2), where="test")
