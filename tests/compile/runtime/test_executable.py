"""An artefact that is loaded is the one that lies in its folder now."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from compile.artefact import load_artefact
from compile.pipeline import compile_model
from compile.runtime.executable import HostModel
from tests.compile.conftest import Graph

ONES = {"x": np.ones((1, 4), np.float32)}


def times(factor: float, new_graph: type[Graph]) -> onnx.ModelProto:
    graph = new_graph()
    return graph.model(graph.add("Mul", graph.input([1, 4]), graph.constant(np.float32(factor))))


@pytest.mark.parametrize("keeps_the_first", [True, False])
def test_a_folder_compiled_again_runs_the_new_library(
    keeps_the_first: bool, tmp_path: Path, new_graph: type[Graph]
) -> None:
    source, folder = tmp_path / "m.onnx", tmp_path / "artefact"
    loaded = []
    for factor in (3.0, 6.0, 3.0):
        onnx.save(times(factor, new_graph), str(source))
        artefact = compile_model(source, "host", folder)
        assert not artefact.reused
        model = HostModel(load_artefact(folder))
        (result,) = model.run(ONES).values()
        assert result.tolist() == [[factor] * 4]
        if keeps_the_first:
            loaded.append((model, factor))
    for model, factor in loaded:
        (result,) = model.run(ONES).values()
        assert result.tolist() == [[factor] * 4]


def test_a_library_written_over_in_place_leaves_the_loaded_one_alone(
    tmp_path: Path, new_graph: type[Graph]
) -> None:
    source = tmp_path / "m.onnx"
    models = {}
    for factor in (3.0, 6.0):
        onnx.save(times(factor, new_graph), str(source))
        artefact = compile_model(source, "host", tmp_path / f"times{factor:.0f}")
        models[factor] = artefact
    three = HostModel(models[3.0])
    models[3.0].library.write_bytes(models[6.0].library.read_bytes())
    (result,) = three.run(ONES).values()
    assert result.tolist() == [[3.0] * 4]
