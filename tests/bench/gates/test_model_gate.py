"""The gate of one's own model: what moved fails, a baseline of something else is refused."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from bench import cli
from depthnet.data import open_dataset
from depthnet.scoring import protocols

IMAGES = 2


def make_model(path: Path, *, red: float = 2.0, extra: bool = False, edges: Any = (32, 48)) -> Path:
    """Disparity 1 + red times red + green, in [0, 4]; `extra` is another network."""
    kernel = np.array([red, 1, 0], np.float32).reshape(1, 3, 1, 1)
    nodes = [helper.make_node("Conv", ["image", "kernel", "bias"], ["raw"])]
    if extra:
        nodes.append(helper.make_node("Relu", ["raw"], ["sum"]))
    nodes.append(helper.make_node("Identity", ["sum" if extra else "raw"], ["disp"]))
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, *edges])],
        [helper.make_tensor_value_info("disp", TensorProto.FLOAT, [1, 1, *edges])],
        [
            numpy_helper.from_array(kernel, "kernel"),
            numpy_helper.from_array(np.ones(1, np.float32), "bias"),
        ],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)
    onnx.save(model, path)
    return path


def make_folder(folder: Path, seed: int = 0) -> Path:
    """A folder of pairs, of rendered rooms."""
    for name in ("rgb", "depth8"):
        (folder / name).mkdir(parents=True)
    rows = ["index0,split"]
    rooms = open_dataset(f"rooms:{seed}", limit=IMAGES)
    for number in range(IMAGES):
        pair = rooms[number]
        Image.fromarray(pair.image).save(folder / "rgb" / f"{number:05d}.jpg")
        levels = np.clip(pair.depth * 25.5, 0, 255).astype(np.uint8)
        Image.fromarray(levels).save(folder / "depth8" / f"{number:05d}.png")
        rows.append(f"{number},test")
    (folder / "split.csv").write_text("\n".join(rows))
    return folder


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A folder with net.onnx, data/ and the baseline of both."""
    before = Path.cwd()
    folder = tmp_path_factory.mktemp("own")
    os.chdir(folder)
    make_model(folder / "net.onnx")
    make_folder(folder / "data")
    use = ["--std", "0.5", "0.5", "0.5", "--meaning", "disparity"]
    written = ["--against", "baseline.json", "--gate", "accuracy", "--update", "--reason", "first"]
    assert cli.run(["check", "net.onnx", "--data", "data", *use, *written]) == 0
    yield folder
    os.chdir(before)


Check = Callable[..., tuple[int, str, str]]


@pytest.fixture
def check(place: Path, capsys: pytest.CaptureFixture[str]) -> Check:
    def run(model: str = "net.onnx", *options: object, data: str = "data") -> tuple[int, str, str]:
        arguments = ["check", model, "--data", data, "--against", "baseline.json", *options]
        code = cli.run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def test_the_baseline_says_how_the_model_is_used(place: Path, check: Check) -> None:
    used = json.loads((place / "baseline.json").read_text())["accuracy"]
    assert (used["protocol"], used["data"], used["images"]) == ("aligned", "nyu", IMAGES)
    assert used["card"]["std"] == [0.5, 0.5, 0.5]
    code, out, err = check("net.onnx", "--json")
    assert code == 0, err
    document = json.loads(out)
    assert document["good"]
    means = document["accuracy"]["networks"]["net"]["nyu"]["aligned"]
    # The figure itself, by numpy: the disparity's scale and shift are fitted.
    eigen = protocols.get("eigen")
    expected = []
    for pair in (open_dataset(str(place / "data"))[n] for n in range(IMAGES)):
        small = Image.fromarray(pair.image).resize((48, 32), Image.Resampling.BILINEAR)
        levels = np.asarray(small, np.float32) / 255 / 0.5
        disparity = Image.fromarray(1 + 2 * levels[..., 0] + levels[..., 1])
        full = np.asarray(disparity.resize((640, 480), Image.Resampling.BILINEAR), float)
        mask = eigen.mask(pair.depth)
        line = np.polyfit(full[mask], 1 / pair.depth[mask].astype(float), 1)
        depth = 1 / np.maximum(np.polyval(line, full), 0.1)
        expected.append(np.sqrt(np.mean((depth - pair.depth)[mask] ** 2)))
    assert means["rmse"] == pytest.approx(np.mean(expected), rel=1e-4)


def test_pairs_of_ones_own_are_checked(place: Path, check: Check) -> None:
    own = place / "own"
    for name in ("rgb", "depth"):
        (own / name).mkdir(parents=True)
    pair = open_dataset("rooms", limit=1)[0]
    Image.fromarray(pair.image).save(own / "rgb" / "hall.png")
    levels = np.rint(pair.depth * 1000).astype(np.uint16)
    Image.fromarray(levels).save(own / "depth" / "hall.png")
    use = ("--meaning", "disparity", "--against", "own.json")
    code, _, err = check("net.onnx", *use, "--gate", "accuracy", "--update", data="own")
    assert code == 0, err
    code, out, err = check("net.onnx", "--against", "own.json", "--json", data="own")
    assert code == 0, err
    assert list(json.loads(out)["accuracy"]["networks"]["net"]) == ["own"]
    Image.fromarray(levels + np.uint16(100)).save(own / "depth" / "hall.png")
    code, _, err = check("net.onnx", "--against", "own.json", data="own")
    assert code == 2
    assert "other images than those of own: the first that differs is hall" in err


def test_a_perturbed_weight_fails_with_the_metric_and_the_images(place: Path, check: Check) -> None:
    make_model(place / "trained-again.onnx", red=-2.0)
    code, out, err = check("trained-again.onnx", "--json")
    assert code == 1, err
    changes = {one["what"]: one for one in json.loads(out)["accuracy"]["changes"]}
    assert [one["name"] for one in changes["weights"]["where"]] == ["kernel"]
    assert sorted(one["name"] for one in changes["prediction"]["where"]) == ["00000", "00001"]
    metrics = changes.keys() & {"rmse", "mae", "rel", "delta1"}
    assert metrics
    for metric in metrics:
        (fallen, *_) = changes[metric]["where"]
        assert fallen["name"] in ("00000", "00001")
    code, out, _ = check("trained-again.onnx")
    assert code == 1
    assert next(iter(metrics)) in out
    assert "00000" in out


def test_a_small_change_is_seen_in_the_predictions(place: Path, check: Check) -> None:
    make_model(place / "net2.onnx", red=2.001)
    code, out, _ = check("net2.onnx", "--json")
    assert code == 1
    assert "prediction" in {one["what"] for one in json.loads(out)["accuracy"]["changes"]}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("other.onnx",), "for model net, not other"),
        (
            ("net.onnx", "--mean", 0.1, 0, 0),
            "for a card's mean [0.0, 0.0, 0.0], not [0.1, 0.0, 0.0]",
        ),
        (("net.onnx", "--std", 0.5, 0.5, 0.6), "for a card's std [0.5, 0.5, 0.5]"),
        (("net.onnx", "--card", "midas-small"), "for a card without preset, not midas-small"),
        (("net.onnx", "--bgr"), "for a card's channels RGB, not BGR"),
        (("net.onnx", "--protocol", "median"), "for protocol aligned, not median"),
        (("net.onnx", "--limit", 1), "for images 2, not 1"),
        (("net.onnx", "--data", "rooms"), "for data nyu, not rooms"),
        (("net.onnx", "--data", "others"), "written for other images than those of others"),
        (("net.onnx", "--data", "nothing"), "not a layout"),
        (("net.onnx", "--against", "missing.json"), "no such baseline"),
        (("net.onnx", "--against", "shipped.json"), "schema 'depthbench.baseline/1'"),
        (("net.onnx", "--against", "hollow.json"), "parts of the baseline are missing"),
        (("net.onnx", "--against", "older.json"), "schema 'depthbench.model-baseline/1'"),
        (("net.onnx", "--against", "torn.json"), "damaged"),
        (("net.onnx", "--against", "no-date.json"), "parts of the baseline are missing"),
        (("net.onnx", "--gate", "instructions"), "baseline.json holds no instructions of net"),
        (("net.onnx", "--counts", "x.json"), "of the shipped networks"),
    ],
)
def test_a_baseline_of_something_else_is_one_line(
    place: Path, check: Check, options: tuple[object, ...], says: str
) -> None:
    make_model(place / "other.onnx", extra=True)
    if not (place / "others").exists():
        make_folder(place / "others", seed=1)
    (place / "nothing").mkdir(exist_ok=True)
    document = json.loads((place / "baseline.json").read_text())
    shipped = {**document, "schema": "depthbench.baseline/1"}
    (place / "shipped.json").write_text(json.dumps(shipped))
    (place / "older.json").write_text(json.dumps({"schema": "depthbench.model-baseline/1"}))
    (place / "hollow.json").write_text(json.dumps({**document, "accuracy": {}}))
    (place / "torn.json").write_bytes((place / "baseline.json").read_bytes()[:-100])
    no_date = {key: value for key, value in document.items() if key != "date"}
    (place / "no-date.json").write_text(json.dumps(no_date))
    code, out, err = check(*options)
    assert (code, out) == (2, "")
    (line,) = [line for line in err.splitlines() if line.startswith("depthbench: ")]
    assert says in line
    assert "Traceback" not in err


def test_ones_own_baseline_needs_no_reason(place: Path, check: Check) -> None:
    make_model(place / "mine.onnx")
    described = ("--against", "mine.json", "--meaning", "disparity", "--gate", "accuracy")
    written = (*described, "--update")
    assert check("mine.onnx", *written)[0] == 0
    assert json.loads((place / "mine.json").read_text())["reason"] == "no reason was given"
    make_model(place / "mine.onnx", red=-2.0)
    assert check("mine.onnx", "--against", "mine.json")[0] == 1
    assert check("mine.onnx", *written, "--reason", " ")[0] == 2
    assert check("mine.onnx", *written, "--reason", "worse, but mine")[0] == 0
    assert check("mine.onnx", "--against", "mine.json")[0] == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("net.onnx", "--data", "data"),
        ("net.onnx", "--against", "baseline.json"),
        ("--against", "baseline.json"),
        ("--data", "data"),
        ("--bgr",),
    ],
)
def test_half_a_question_is_refused(
    place: Path, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...]
) -> None:
    assert cli.run(["check", *arguments]) == 2
    assert "--data FOLDER --against BASELINE.json" in capsys.readouterr().err
