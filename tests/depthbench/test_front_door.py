"""`import depthbench` names what programs need, answers at once, and does what the commands do."""

from __future__ import annotations

import importlib
import inspect
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import depthbench
from bench.cli import run
from bench.models import Model
from depthbench.errors import InputError
from depthnet import open_dataset, zoo

PUBLIC = {
    "depthbench": "calibrate compare compile evaluate export measure networks open_predictor "
    "predict read_records report",
    "depthnet": "DepthDataset DepthPair PROTOCOLS Protocol Scores build complexity data_folder "
    "open_dataset score zoo",
    "compile": "Artefact HostModel compile_model load_artefact precision targets",
    "android_rpc": "Device DevicePool RemoteModel Session default_device open_device "
    "open_device_pool open_session",
    "bench": "MeasurementRequest Model Runtime append_record build_report compare_runtimes "
    "compile_for measure_accuracy measure_on_device new_record open_runtime read_records "
    "resolve_model write_report",
}
SMALL = "fastdepth_pruned"
ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("package", PUBLIC)
def test_what_is_public_is_listed(package: str) -> None:
    module = importlib.import_module(package)
    assert module.__all__ == PUBLIC[package].split()
    assert dir(module) == module.__all__


@pytest.mark.parametrize("package", PUBLIC)
def test_every_public_name_is_there_and_documented(package: str) -> None:
    module = importlib.import_module(package)
    for name in module.__all__:
        value = getattr(module, name)
        documented = inspect.ismodule(value) or inspect.isroutine(value) or inspect.isclass(value)
        assert not documented or inspect.getdoc(value), f"{package}.{name} has no docstring"


def test_every_argument_of_the_front_door_has_a_type() -> None:
    for name in depthbench.__all__:
        signature = inspect.signature(getattr(depthbench, name))
        assert signature.return_annotation is not inspect.Signature.empty
        for parameter in signature.parameters.values():
            assert parameter.annotation is not inspect.Parameter.empty, f"{name}: {parameter}"


def test_the_default_network_is_the_flagship() -> None:
    parameters = inspect.signature(depthbench.export).parameters
    assert parameters["name"].default == zoo.FLAGSHIP


@pytest.mark.parametrize("package", PUBLIC)
def test_importing_a_package_imports_nothing_heavy(package: str) -> None:
    heavy = "{'torch', 'tvm', 'numpy', 'pandas', 'onnx', 'onnxruntime', 'matplotlib'}"
    program = f"import sys, {package}; {package}.__all__; print(*{heavy} & sys.modules.keys())"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (done.stdout.strip(), done.returncode) == ("", 0), done.stderr


def test_the_names_are_listed_at_once() -> None:
    program = "import depthbench as d; print(d.__all__); import resource as r; "
    program += "used = r.getrusage(r.RUSAGE_SELF); print(used.ru_utime + used.ru_stime)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    # CPU time, since other tests may run beside this one
    assert float(done.stdout.splitlines()[-1]) < 0.3


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the functions put their files."""
    before = Path.cwd()
    made = tmp_path_factory.mktemp("front-door")
    os.chdir(made)
    yield made
    os.chdir(before)


@pytest.fixture(scope="module")
def model(folder: Path) -> Model:
    return depthbench.export(SMALL)


@pytest.fixture(scope="module")
def image() -> NDArray[Any]:
    return open_dataset("rooms")[0].image


def test_a_model_is_exported_where_the_command_puts_it(model: Model, folder: Path) -> None:
    assert model.path == Path("out") / f"{SMALL}.onnx"
    assert (folder / model.path).is_file()


def test_a_prediction_is_what_onnx_runtime_and_pillow_make_of_the_image(
    model: Model, image: NDArray[Any]
) -> None:
    import onnxruntime

    *_, height, width = model.input_shape
    small = Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR)
    given = (np.asarray(small, dtype=np.float32) / 255).transpose(2, 0, 1)[None]
    session = onnxruntime.InferenceSession(model.path, providers=["CPUExecutionProvider"])
    there = session.run(None, {"image": given})[0][0, 0]
    back = session.run(None, {"image": given[..., ::-1].copy()})[0][0, 0, :, ::-1]
    for flip, expected in ((False, there), (True, (there + back) / 2)):
        enlarged = Image.fromarray(expected).resize(image.shape[1::-1], Image.Resampling.BILINEAR)
        depth = depthbench.predict(image, model, flip=flip)
        assert depth.shape == image.shape[:2]
        assert depth.dtype == np.float32
        np.testing.assert_allclose(depth, np.asarray(enlarged), rtol=1e-4)


def test_floats_in_0_to_1_are_the_same_image(model: Model, image: NDArray[Any]) -> None:
    as_float = image.astype(np.float64) / 255
    np.testing.assert_array_equal(
        depthbench.predict(as_float, model), depthbench.predict(image, model)
    )


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (np.zeros((4, 4), np.uint8), "4x4"),
        (np.zeros((1, 3, 4, 4), np.float32), "1x3x4x4"),
        (np.zeros((4, 4, 4), np.uint8), "4x4x4"),
        (np.zeros((0, 4, 3), np.uint8), "0x4x3"),
        (np.zeros((4, 4, 3), np.int64), "int64"),
        (np.full((4, 4, 3), 255.0), r"outside \[0, 1\]"),
        (np.full((4, 4, 3), np.nan), r"outside \[0, 1\]"),
    ],
)
def test_what_is_no_image_is_refused(wrong: NDArray[Any], said: str) -> None:
    with pytest.raises(InputError, match=said):
        depthbench.predict(wrong)


def test_scores_are_those_of_the_command_and_read_as_a_frame(
    model: Model, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = ["--data", "rooms", "--limit", "2", "--protocol", "paper", "--json"]
    assert run(["eval", str(model.path), *options]) == 0
    said = json.loads(capsys.readouterr().out)
    record = depthbench.evaluate(model, "rooms", protocol="paper", limit=2)
    assert [record[name] for name in ("rmse", "rel", "delta1", "per_image")] == [
        said[name] for name in ("rmse", "rel", "delta1", "per_image")
    ]
    frame = depthbench.read_records()
    row = frame.loc[record["id"]]
    assert row["rmse"] == record["rmse"]
    assert row["time"].isoformat() == record["time"]
    assert row["conditions.tools.torch"] == record["conditions"]["tools"]["torch"]


def test_a_report_is_gathered_and_written(model: Model, folder: Path) -> None:
    depthbench.evaluate(model, "rooms", limit=1, records="one.jsonl")
    document = depthbench.report("one.jsonl", output="report.md")
    assert [row["model"] for row in document["models"]] == [SMALL]
    assert SMALL in (folder / "report.md").read_text()


def test_an_artefact_is_compiled_once_and_is_what_the_document_says(
    model: Model, folder: Path
) -> None:
    artefact = depthbench.compile(model, "host")
    assert artefact.folder == Path("out") / f"{SMALL}-host"
    assert depthbench.compile(model, "host").reused
    document = (ROOT / "docs/file_formats.md").read_text()
    table = document.partition("| field of the manifest |")[2].partition("\n\n")[0]
    fields = [name for row in table.splitlines()[2:] for name in row.split("|")[1].split(",")]
    assert {name.strip(" `") for name in fields} == set(artefact.manifest)


def test_runtimes_are_compared(model: Model) -> None:
    found = depthbench.compare(model, "onnxruntime,tvm", rounds=3)
    assert set(found["runtimes"]) == {"onnxruntime", "tvm"}
    assert found["runtimes"]["tvm"]["agreement"]["max_relative_difference"] < 1e-4


def test_the_networks_are_a_frame() -> None:
    frame = depthbench.networks()
    assert frame.loc["mobiledepth", "weights_paper_m"] == pytest.approx(6.4306, abs=1e-4)
