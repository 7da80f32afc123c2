"""Recurrent layers are written out as ONNX Runtime computes them, in all forms."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compile.onnx.checked_model import load_model
from depthbench.errors import InputError
from tests.compile.conftest import Agree
from tests.compile.onnx.one_node import Feeds, assert_defined, normal, one_node

GATES = {"RNN": 1, "GRU": 3, "LSTM": 4}


def recurrent(
    operator: str,
    opset: int,
    *,
    direction: str = "forward",
    steps: int = 3,
    biased: bool = False,
    ends: bool = False,
    begun: bool = False,
    peeps: bool = False,
    by_batch: bool = False,
    **attributes: Any,
) -> tuple[onnx.ModelProto, Feeds]:
    """A model of one layer of two samples, three inputs and four units."""
    both, gates = 1 + (direction == "bidirectional"), GATES[operator]
    state = normal(2, both, 4, seed=5) if by_batch else normal(both, 2, 4, seed=5)
    operands = [
        normal(2, steps, 3) if by_batch else normal(steps, 2, 3),
        normal(both, gates * 4, 3, seed=1),
        normal(both, gates * 4, 4, seed=2),
        normal(both, gates * 8, seed=3) if biased else None,
        np.array([steps, max(1, steps - 1)], np.int32) if ends else None,
        state if begun else None,
        *([state / 2 if begun else None, None] if operator == "LSTM" else []),
    ]
    if peeps and operator == "LSTM":
        operands[-1] = normal(both, 12, seed=4)
    while operands[-1] is None:
        operands.pop()
    if opset >= 14:
        attributes["layout"] = int(by_batch)
    attributes |= {"direction": direction, "hidden_size": 4}
    outputs = 3 if operator == "LSTM" else 2
    return one_node(operator, opset, *operands, outputs=outputs, **attributes)


@settings(max_examples=60)
@given(
    operator=st.sampled_from(sorted(GATES)),
    opset=st.sampled_from([7, 11, 14, 22]),
    direction=st.sampled_from(["forward", "reverse", "bidirectional"]),
    steps=st.integers(1, 4),
    biased=st.booleans(),
    ends=st.booleans(),
    begun=st.booleans(),
    peeps=st.booleans(),
    clip=st.sampled_from([0.0, 0.5]),
    option=st.integers(0, 1),
)
def test_recurrent_layers(*, operator: str, clip: float, option: int, **form: Any) -> None:
    form["ends"] = form["ends"] and form["opset"] > 7
    if clip and operator != "LSTM":
        form["clip"] = clip
    if operator != "RNN":
        form["linear_before_reset" if operator == "GRU" else "input_forget"] = option
    assert_defined(*recurrent(operator, **form))


def test_recurrent_layer_compiled(agree: Agree) -> None:
    agree(recurrent("RNN", 14, biased=True, steps=1)[0])


def test_long_sequence_is_refused(tmp_path: Path) -> None:
    onnx.save(recurrent("GRU", 14, steps=200)[0], str(tmp_path / "m.onnx"))
    with pytest.raises(InputError, match="200 steps"):
        load_model(tmp_path / "m.onnx")
