from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from bench.measure.agreement import agrees, compare, seeded_inputs
from compile.check import relative_difference
from depthbench.errors import InputError

finite = st.floats(-1e3, 1e3, width=32)


@given(arrays(np.float32, (3, 4), elements=finite), arrays(np.float32, (3, 4), elements=finite))
def test_the_difference_is_the_compilers(a: np.ndarray, b: np.ndarray) -> None:
    agreement = compare({"depth": b}, {"depth": a}, "onnxruntime")
    assert agreement["max_relative_difference"] == pytest.approx(relative_difference(a, b))
    assert agreement["max_abs_difference"] == pytest.approx(
        np.abs(a.astype(np.float64) - b.astype(np.float64)).max()
    )


def test_the_worst_output_counts() -> None:
    reference = {"a": np.array([1.0, 2.0]), "b": np.array([100.0, 50.0])}
    outputs = {"a": np.array([1.0, 2.2]), "b": np.array([101.0, 50.0])}
    agreement = compare(reference, outputs, "onnxruntime")
    assert agreement["max_relative_difference"] == pytest.approx(0.1)
    assert agreement["max_abs_difference"] == pytest.approx(1.0)
    assert agreement["reference_std"] == pytest.approx(0.5)
    assert agreement["against"] == "onnxruntime"


@pytest.mark.parametrize(
    ("outputs", "problem"),
    [
        ({}, "'depth' is missing"),
        ({"other": np.array([1.0, 2.0])}, "'depth' is missing"),
        ({"depth": np.array([1.0])}, "'depth' is 1, not 2"),
        ({"depth": np.array([1.0, np.nan])}, "'depth' is NaN or infinite in 1 of 2 values"),
        ({"depth": np.array([np.inf, np.inf])}, "'depth' is NaN or infinite in 2 of 2 values"),
    ],
)
def test_what_cannot_be_compared_has_no_difference(
    outputs: dict[str, np.ndarray], problem: str
) -> None:
    agreement = compare({"depth": np.array([1.0, 2.0])}, outputs, "onnxruntime")
    assert agreement["max_relative_difference"] is None
    assert agreement["problem"] == f"output {problem}"


def test_a_reference_that_is_not_finite_is_told() -> None:
    broken = {"depth": np.array([1.0, np.nan])}
    agreement = compare(broken, broken, "onnxruntime")
    assert (
        agreement["problem"] == "output 'depth' of onnxruntime is NaN or infinite in 1 of 2 values"
    )
    assert not agrees(agreement)


def test_zeros_agree_with_zeros() -> None:
    zeros = {"depth": np.zeros(3)}
    assert agrees(compare(zeros, zeros, "onnxruntime"))
    assert not agrees(compare(zeros, {"depth": np.ones(3)}, "onnxruntime"))


@pytest.mark.parametrize("value", [0.0, 3.7])
def test_a_constant_reference_is_told(value: float) -> None:
    constant = np.full((5, 7), value, np.float32)
    assert compare({"depth": constant}, {"depth": constant}, "x")["reference_std"] == 0


def test_rounding_noise_on_a_constant_is_no_variation() -> None:
    noisy = np.full((5, 7), 3.7, np.float32)
    noisy[::2] = np.nextafter(noisy[0, 0], np.float32(4))
    assert noisy.std() > 0
    assert compare({"depth": noisy}, {"depth": noisy}, "x")["reference_std"] == 0


def test_inputs_are_the_same_every_time_and_in_range() -> None:
    specs: list[dict[str, Any]] = [
        {"name": "image", "shape": [1, 3, 8, 8], "dtype": "float32"},
        {"name": "half", "shape": [4], "dtype": "float16"},
        {"name": "index", "shape": [64], "dtype": "int64"},
    ]
    one, other = seeded_inputs(specs), seeded_inputs(specs)
    for spec in specs:
        values = one[spec["name"]]
        assert values.shape == tuple(spec["shape"])
        assert values.dtype == spec["dtype"]
        assert np.array_equal(values, other[spec["name"]])
    assert 0 <= one["image"].min() < 0.1 < 0.9 < one["image"].max() < 1
    assert set(one["index"]) == {0, 1}
    assert not np.array_equal(one["image"], seeded_inputs(specs, seed=1)["image"])


def test_an_input_of_text_is_refused() -> None:
    with pytest.raises(InputError, match="floats and integers"):
        seeded_inputs([{"name": "text", "shape": [1], "dtype": "str"}])
