"""Integers are not divided by zero: that would end the process that checks the artefact."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from compile.onnx.checked_model import load_model
from depthbench.errors import InputError
from tests.compile.conftest import Agree
from tests.compile.onnx.one_node import one_node

NUMBERS = np.array([[7, -8, 9]])


@pytest.mark.parametrize("operator", ["Div", "Mod"])
@pytest.mark.parametrize("dtype", [np.int32, np.int64])
@pytest.mark.parametrize(("divisor", "constants"), [([3, 0, 1], 1), ([3, 0, 1], 2), ([3, 2, 1], 0)])
def test_divisors_that_may_be_zero_are_refused(
    operator: str, dtype: Any, divisor: list[int], constants: int, tmp_path: Path
) -> None:
    operands = NUMBERS.astype(dtype), np.array(divisor, dtype)
    model, _ = one_node(operator, 14, *operands, constants=constants)
    onnx.save(model, str(tmp_path / "model.onnx"))
    with pytest.raises(InputError, match="may divide integers by zero"):
        load_model(tmp_path / "model.onnx")


@pytest.mark.parametrize("operator", ["Div", "Mod"])
def test_other_divisions_are_taken(operator: str, agree: Agree) -> None:
    model, _ = one_node(operator, 14, NUMBERS, np.array([3, -2, 1]), constants=1)
    agree(model)
