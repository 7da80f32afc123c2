"""Predictions by compiled models, here and on a device, are those of ONNX Runtime."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import numpy as np
import pytest
from PIL import Image

from android_rpc import session
from bench import cli
from bench.compile_service import compile_for
from bench.model_card import Asked

METRES = ("--meaning", "metres")


@pytest.fixture(scope="module")
def pictures(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    folder = tmp_path_factory.mktemp("pictures")
    random = np.random.default_rng(0)
    paths = [folder / f"{number}.png" for number in range(3)]
    for path in paths:
        Image.fromarray(random.integers(0, 256, (48, 64, 3), np.uint8)).save(path)
    return paths


@pytest.fixture
def predictions(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, pictures: list[Path]
) -> Callable[..., list[np.ndarray]]:
    """The depths that a command predicts of the pictures."""

    def predict(*options: object) -> list[np.ndarray]:
        folders = ("--output", tmp_path / "there", "--out", tmp_path / "out")
        arguments = ("predict", *pictures, "--format", "npy", "--json", *folders, *options)
        code = cli.run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        assert code == 0, captured.err
        documents = json.loads(captured.out)["predictions"]
        return [np.load(document["files"][0]) for document in documents]

    return predict


def test_an_artefact_for_this_machine_predicts_the_same(
    model: Path, tmp_path: Path, predictions: Callable[..., list[np.ndarray]]
) -> None:
    artefact = compile_for(str(model), "host", tmp_path, asked=Asked({"meaning": "metres"}))
    expected = predictions("--model", model, *METRES)
    np.testing.assert_allclose(predictions("--model", artefact.folder), expected, rtol=1e-5)
    by_name = predictions("--model", model, "--runtime", "tvm", *METRES)
    np.testing.assert_allclose(by_name, expected, rtol=1e-5)


def test_a_device_predicts_the_same_in_one_session(
    model: Path,
    tmp_path: Path,
    pictures: list[Path],
    predictions: Callable[..., list[np.ndarray]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    artefact = compile_for(str(model), "arm64-a76", tmp_path, asked=Asked({"meaning": "metres"}))
    opened: list[Any] = []
    whole = session.open_session

    def counted(*arguments: Any, **settings: Any) -> Any:
        opened.append(arguments)
        return whole(*arguments, **settings)

    with patch.object(session, "open_session", counted):
        found = predictions("--model", artefact.folder, "--device", "emulated")
    expected = predictions("--model", model, *METRES)
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    assert len(opened) == 1
    assert cli.run(["predict", str(pictures[0]), "--model", str(artefact.folder)]) == 2
    assert "is compiled for arm64-a76; name a --device" in capsys.readouterr().err
