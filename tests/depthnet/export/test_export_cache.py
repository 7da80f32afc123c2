"""An export is known again by what decides it, without PyTorch."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import onnx
import pytest

from depthnet import zoo
from depthnet.export import export_cache
from depthnet.weights import pretrained
from depthnet.weights.origin import ImageNet, Random, to_json

ENTRY = zoo.get("mobiledepth")
SIZE = (224, 224)


def write(path: Path, **says: str) -> Path:
    graph = onnx.helper.make_graph([onnx.helper.make_node("Relu", ["x"], ["y"])], "g", [], [])
    model = onnx.helper.make_model(graph)
    onnx.helper.set_model_props(model, says)
    onnx.save(model, path)
    return path


def test_the_file_of_the_same_network_and_size_is_up_to_date(tmp_path: Path) -> None:
    path = write(
        tmp_path / "m.onnx",
        made_from=export_cache.made_from(ENTRY, SIZE),
        origin=to_json(ImageNet(0)),
    )
    assert export_cache.is_up_to_date(path, ENTRY, SIZE)
    assert not export_cache.is_up_to_date(path, ENTRY, (256, 256))
    assert not export_cache.is_up_to_date(path, replace(ENTRY, name="other"), SIZE)
    assert not export_cache.is_up_to_date(tmp_path / "missing.onnx", ENTRY, SIZE)
    path.write_bytes(b"no model")
    assert not export_cache.is_up_to_date(path, ENTRY, SIZE)


def test_other_code_or_weights_are_another_export(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = export_cache.made_from(ENTRY, SIZE)
    monkeypatch.setattr(export_cache, "_code_sha256", lambda: "other")
    assert export_cache.made_from(ENTRY, SIZE) != before
    monkeypatch.undo()
    monkeypatch.setattr(pretrained, "FOLDER", tmp_path)
    without = export_cache.made_from(ENTRY, SIZE)
    assert without != before
    pretrained.FOLDER.joinpath("mobiledepth.safetensors").write_bytes(b"weights")
    assert export_cache.made_from(ENTRY, SIZE) not in (without, before)


def test_an_encoder_that_the_hub_may_still_give_is_never_up_to_date(tmp_path: Path) -> None:
    baseline = replace(ENTRY, baseline="fcrn")
    for entry, reusable in ((ENTRY, False), (baseline, True)):
        stamp = export_cache.made_from(entry, SIZE)
        path = write(tmp_path / "m.onnx", made_from=stamp, origin=to_json(Random(0)))
        assert export_cache.is_up_to_date(path, entry, SIZE) is reusable


def test_pytorch_is_not_imported_to_tell() -> None:
    code = "import sys; from depthnet.export import export_cache; print('torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
