"""`depthbench calibrate`: what was measured is what every command then gives."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper
from PIL import Image

import depthbench
from bench.models import load_model
from bench.package_service import image_input_of

from .test_contract import one_line

Run = Callable[..., tuple[int, str, str]]
LEVELS = (0, 51, 128, 204, 255)
SIZE = (32, 160)
FOCAL_35, PLANE_X, PLANE_UNIT, FOCAL, ORIENTATION = 0xA405, 0xA20E, 0xA210, 0x920A, 0x0112


def stripes() -> NDArray[np.uint8]:
    """A picture of five greens beside each other, from dark to light."""
    image = np.zeros((*SIZE, 3), np.uint8)
    image[..., 1] = np.repeat(LEVELS, SIZE[1] // len(LEVELS))
    return image


def given_by_model() -> NDArray[np.float64]:
    """What the model, 1 + green, gives in the middle of each stripe."""
    return 1 + np.array(LEVELS) / 255


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "photo.png"
    Image.fromarray(stripes()).save(path)
    return path


@pytest.fixture
def model(make_depth_model: Callable[..., Path]) -> Path:
    return make_depth_model(*SIZE)


def points(metres: NDArray[np.float64]) -> list[str]:
    return [f"--point={16 + 32 * stripe},16={value}" for stripe, value in enumerate(metres)]


@pytest.fixture
def calibrate(run: Run, model: Path, photo: Path) -> Callable[..., dict[str, Any]]:
    def call(*arguments: object) -> dict[str, Any]:
        code, out, err = run("calibrate", model, photo, *arguments, "--json")
        assert code == 0, err
        return json.loads(out)

    return call


SCALE, SHIFT = 1.7, 0.3
MEANINGS = {
    "metres": SCALE * given_by_model() + SHIFT,
    "relative": SCALE * given_by_model() + SHIFT,
    "inverse-metres": 1 / (SCALE * given_by_model() + SHIFT),
    "disparity": 1 / (SCALE * given_by_model() + SHIFT),
}


@pytest.mark.parametrize("meaning", MEANINGS)
def test_scale_and_shift_are_found_and_every_command_gives_metres(
    run: Run,
    calibrate: Callable[..., dict[str, Any]],
    model: Path,
    photo: Path,
    meaning: str,
) -> None:
    metres = MEANINGS[meaning]
    options = ("--fit", "scale-and-shift", "--meaning", meaning)
    record = calibrate(*points(metres), *options)
    assert (record["scale"], record["shift"]) == pytest.approx((SCALE, SHIFT), rel=1e-5)
    assert record["fitted"] == "scale and shift"
    assert record["left_out_mae_m"] == pytest.approx(0, abs=1e-5)
    for part in record["by_distance"]:
        assert part["mae_m"] == pytest.approx(0, abs=1e-5)
        assert part["within_m"] == pytest.approx(0, abs=1e-4)
    assert record["kept_in"] == [f"{model}.json"]
    # no option says anything: the card does
    code, out, err = run("predict", photo, "--model", model, "--format", "npy", "--json")
    assert code == 0, err
    (document,) = json.loads(out)["predictions"]
    np.testing.assert_allclose(np.load(document["files"][0])[16, 16::32], metres, rtol=1e-4)
    inside = image_input_of(load_model(model))
    assert inside
    card = record["card"]
    assert (inside.scale, inside.shift, inside.meaning, inside.clip) == (
        *(card["scale"], card["shift"], card["meaning"]),
        tuple(card["clip"]),
    )
    code, out, err = run("eval", model, "--data", "rooms", "--limit", "1", "--json")
    scored = json.loads(out)
    assert (code, scored["protocol"]) == (0, "eigen"), err
    assert scored["card"]["calibration"]["points"] == 5


@pytest.mark.parametrize("meaning", MEANINGS)
def test_the_exported_model_gives_metres_by_onnx_runtime_alone(
    calibrate: Callable[..., dict[str, Any]], tmp_path: Path, model: Path, meaning: str
) -> None:
    metres = MEANINGS[meaning]
    options = ("--fit", "scale-and-shift", "--meaning", meaning, "--write-onnx", "m.onnx")
    assert calibrate(*points(metres), *options)["kept_in"] == ["m.onnx"]
    assert not Path(f"{model}.json").exists()
    onnx.checker.check_model(onnx.load(tmp_path / "m.onnx"), full_check=True)
    session = onnxruntime.InferenceSession("m.onnx", providers=["CPUExecutionProvider"])
    image = (stripes().astype(np.float32) / 255).transpose(2, 0, 1)[None]
    (depth,) = session.run(["metres"], {"image": image})
    np.testing.assert_allclose(depth[0, 0, 16, 16::32], metres, rtol=1e-5)
    found = depthbench.predict(stripes(), "m.onnx")
    np.testing.assert_allclose(found, depth[0, 0], rtol=1e-6)


@pytest.mark.parametrize("opset", [9, 13])
def test_older_files_and_other_types_take_the_nodes(
    run: Run, photo: Path, tmp_path: Path, opset: int
) -> None:
    image = helper.make_tensor_value_info("image", TensorProto.FLOAT16, [1, 3, *SIZE])
    depth = helper.make_tensor_value_info("metres", TensorProto.FLOAT16, [1, 1, *SIZE])
    weight = helper.make_tensor("w", TensorProto.FLOAT16, [1, 3, 1, 1], [0.0, 1.0, 0.0])
    node = helper.make_node("Conv", ["image", "w"], ["metres"])
    graph = helper.make_graph([node], "green", [image], [depth], [weight])
    made = helper.make_model(graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=6)
    onnx.save(made, tmp_path / "half.onnx")
    metres = 1 / (0.5 * (given_by_model() - 1) + 0.1)
    code, _, err = run(
        *("calibrate", "half.onnx", photo, *points(metres), "--meaning", "disparity"),
        *("--write-onnx", "metric.onnx"),
    )
    assert code == 0, err
    session = onnxruntime.InferenceSession("metric.onnx", providers=["CPUExecutionProvider"])
    (output,) = session.get_outputs()
    assert output.type == "tensor(float)"
    given = (stripes().astype(np.float16) / np.float16(255)).transpose(2, 0, 1)[None]
    (found,) = session.run(None, {"image": given})
    np.testing.assert_allclose(found[0, 0, 16, 16::32], metres, rtol=2e-3)


def calibrate_report(run: Run) -> str:
    """What the report says of the calibration's points."""
    assert run("report", "out/records.jsonl", "-o", "report.md")[0] == 0
    (row,) = [
        line for line in Path("report.md").read_text().splitlines() if "| calibration" in line
    ]
    return row.split("|")[2].strip()


def test_from_python_the_record_and_the_card_are_the_same(
    run: Run, calibrate: Callable[..., dict[str, Any]], model: Path, photo: Path
) -> None:
    metres = MEANINGS["disparity"]
    told = calibrate(*points(metres), "--meaning", "disparity")
    assert calibrate_report(run) == "5 distances in 1 picture"
    card = Path(f"{model}.json").read_text()
    rows = [
        {"image": str(photo), "x": 16 + 32 * stripe, "y": 16, "metres": metres[stripe]}
        for stripe in range(5)
    ]
    Path(f"{model}.json").unlink()
    record = depthbench.calibrate(model, rows, card={"meaning": "disparity"})
    same = ("scale", "shift", "measured", "by_distance", "card", "scale_interval")
    assert [record[name] for name in same] == [told[name] for name in same]
    assert Path(f"{model}.json").read_text() == card
    frame = depthbench.read_records()
    assert list(frame["kind"]) == ["calibration", "calibration"]


def test_calibrated_again_the_first_time_counts_for_nothing(
    calibrate: Callable[..., dict[str, Any]], model: Path
) -> None:
    metres = MEANINGS["disparity"]
    calibrate(*points(metres), "--meaning", "disparity")
    first = Path(f"{model}.json").read_text()
    calibrate(*points(3 * metres))
    card = json.loads(Path(f"{model}.json").read_text())
    assert card["scale"] == pytest.approx(SCALE / 3, rel=1e-5)
    assert card["calibration"]["meaning"] == "disparity"
    calibrate(*points(metres))
    assert json.loads(Path(f"{model}.json").read_text()) == json.loads(first)


def test_a_model_of_metres_that_was_written_is_calibrated_again(
    run: Run, calibrate: Callable[..., dict[str, Any]], photo: Path, tmp_path: Path
) -> None:
    written = tmp_path / "metric.onnx"
    metres = MEANINGS["disparity"]
    calibrate(*points(metres), "--meaning", "disparity", "--write-onnx", written)
    code, out, err = run("calibrate", written, photo, *points(2 * metres), "--json")
    assert code == 0, err
    record = json.loads(out)
    assert (record["scale"], record["fitted"]) == (pytest.approx(2, rel=1e-4), "scale")
    assert record["card"]["meaning"] == "metres"


def test_one_point_tells_the_scale(run: Run, model: Path, photo: Path) -> None:
    code, out, err = run("calibrate", model, photo, "--point", "16,16=2.5", "--json")
    record = json.loads(out)
    assert (code, record["fitted"]) == (0, "scale")
    assert (record["scale"], record["shift"]) == pytest.approx((2.5, 0))
    assert record["left_out_mae_m"] is None
    assert record["by_distance"] == []
    assert "1 point tells the scale and nothing of the error" in err


def test_a_wrong_point_is_named_and_left_out(run: Run, model: Path, photo: Path) -> None:
    metres = 2 * given_by_model()
    metres[3] *= 2
    code, out, err = run("calibrate", model, photo, *points(metres), "--json")
    record = json.loads(out)
    assert (code, record["fitted"]) == (0, "scale"), err
    assert record["scale"] == pytest.approx(2, rel=1e-6)
    assert [point["used"] for point in record["measured"]] == [True, True, True, False, True]
    assert "photo.png:112,16 was left out: it was measured as 7.2 m" in err


def test_a_point_on_an_edge_is_told(run: Run, model: Path, photo: Path) -> None:
    code, _, err = run("calibrate", model, photo, "--point", "127,16=2", "--point", "16,16=1")
    assert code == 0
    assert "photo.png:127,16 lies on an edge" not in err  # 1.8 beside 2: a step of 11 %
    code, _, err = run("calibrate", model, photo, "--point", "64,16=2", "--point", "16,16=1")
    assert code == 0
    (line,) = [line for line in err.splitlines() if "edge" in line]
    assert "photo.png:64,16 lies on an edge: depth around it differs by" in line


def with_exif(path: Path, image: NDArray[np.uint8], tags: dict[int, Any], orientation: int) -> None:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    exif.get_ifd(0x8769).update(tags)
    Image.fromarray(image).save(path, exif=exif, quality=95, subsampling=0)


@pytest.mark.parametrize("sideways", [False, True])
def test_a_known_object_and_exif_give_the_distance(
    run: Run, make_depth_model: Callable[..., Path], tmp_path: Path, sideways: bool
) -> None:
    """On a full frame of 36x24 mm, 36 mm of focal length are as many pixels as it is wide."""
    lying = np.full((80, 120, 3), 51, np.uint8)
    model = make_depth_model(*lying.shape[:2])
    with_exif(tmp_path / "p.jpg", lying, {FOCAL_35: 36}, 6 if sideways else 1)
    width, height = (80, 120) if sideways else (120, 80)
    for size, edge in (("width", 20), ("height", 30)):
        text = f"10,10,30,40={size}:0.5"
        code, out, err = run("calibrate", model, "p.jpg", "--object", text, "--json")
        assert code == 0, err
        record = json.loads(out)
        assert record["measured"][0]["metres"] == pytest.approx(120 * 0.5 / edge, rel=1e-6)
        assert record["focal"] == pytest.approx(120 / np.sqrt(width * height), rel=1e-6)


def test_a_picture_of_another_focal_length_is_scaled(
    run: Run, make_depth_model: Callable[..., Path], tmp_path: Path
) -> None:
    image = np.full((80, 120, 3), 51, np.uint8)
    model = make_depth_model(80, 120)
    tags: dict[int, Any] = {FOCAL: 5.0, PLANE_X: 240.0, PLANE_UNIT: 3}
    with_exif(tmp_path / "wide.jpg", image, tags, 1)
    with_exif(tmp_path / "tele.jpg", image, {**tags, FOCAL: 10.0}, 1)
    Image.fromarray(image).save(tmp_path / "plain.png")
    code, out, err = run(
        *("calibrate", model, "wide.jpg", "tele.jpg", "--fit", "scale", "--json"),
        *("--point", "wide.jpg:60,40=2", "--point", "tele.jpg:60,40=4"),
    )
    record = json.loads(out)
    assert code == 0, err
    assert [point["fitted_m"] for point in record["measured"]] == pytest.approx([2, 4], rel=1e-2)
    names = ("wide.jpg", "tele.jpg", "plain.png")
    code, out, err = run("predict", *names, "--model", model, "--format", "npy", "--json")
    assert code == 0, err
    found = [np.load(one["files"][0])[40, 60] for one in json.loads(out)["predictions"]]
    np.testing.assert_allclose(found, [2, 4, 2], rtol=1e-2)
    notes = [" ".join(one["notes"]) for one in json.loads(out)["predictions"]]
    assert notes[0] == ""
    assert "multiplied by 2" in notes[1]
    assert "focal length is not known" in notes[2]
    code, out, err = run(
        *(
            "predict",
            "plain.png",
            "--model",
            model,
            "--format",
            "npy",
            "--fov",
            2 * 26.565,
            "--json",
        )
    )
    (one,) = json.loads(out)["predictions"]
    factor = 120 / (120 * record["focal"] * np.sqrt(80 / 120))
    assert np.load(one["files"][0])[40, 60] == pytest.approx(2 * factor, rel=1e-2)


def test_along_the_ray_a_point_at_the_side_is_nearer(run: Run, model: Path, photo: Path) -> None:
    places = ("--point", "159.5,15.5=2", "--point", "79.5,15.5=1.8", "--fit", "scale", "--json")
    code, out, _ = run("calibrate", model, photo, *places, "--fov", "90", "--ray")
    assert code == 0
    measured = [point["metres"] for point in json.loads(out)["measured"]]
    assert measured == pytest.approx([np.sqrt(2), 1.8])


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ((), "no point was measured"),
        (("--point", "16,16=2", "--point", "144,16=2"), "2 points at one distance, 2 m"),
        (
            ("--point", "16,16=2", "--point", "20,16=3", "--fit", "scale-and-shift"),
            "gives the same",
        ),
        (("--point", "16,16=2", "--fit", "scale-and-shift"), "1 point tells the scale"),
        (("--point", "16,16=2", "--point", "16,16=3"), "something else of the same place"),
        (("--point", "160,16=2"), "outside the picture"),
        (("--point", "16,-1=2"), "outside the picture"),
        (("--point", "10,10,20,32=2"), "160 wide and 32 high"),
        (("--point", "16,16=0"), "0 m is no length"),
        (("--point", "16,16=4", "--point", "144,16=1", "--meaning", "relative"), "negative"),
        (("--object", "1,1,9,9=width:1"), "the focal length of"),
        (("--point", "16,16=2", "--ray"), "--fov DEGREES"),
        (("--point", "16,16=2", "--fov", "60", "--intrinsics", 1, 1, 1, 1), "say the same"),
        (("--point", "16,16=2", "-o", "card.txt"), "a card is a .json file"),
        (("--point", "16,16=2", "--write-onnx", "m.pb"), "a model is an .onnx file"),
        (("--points", "missing.csv"), "missing.csv: no such file"),
    ],
)
def test_bad_input_is_one_line_and_nothing_is_written(
    run: Run, model: Path, photo: Path, tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    code, out, err = run("calibrate", model, photo, *arguments)
    assert (code, out) == (2, ""), err
    assert says in one_line(err)
    assert {path.name for path in tmp_path.iterdir()} == {"models", "photo.png"}
    assert not Path(f"{model}.json").exists()


def test_a_picture_without_a_point_is_one_line(run: Run, model: Path, photo: Path) -> None:
    code, _, err = run("calibrate", model, photo, "other.png", "--point", "photo.png:16,16=2")
    assert (code, "other.png: no point of it was measured" in one_line(err)) == (2, True)


def test_the_model_itself_and_a_card_that_would_win_are_not_written_over(
    run: Run, model: Path, photo: Path
) -> None:
    code, _, err = run("calibrate", model, photo, "--point=16,16=2", "--write-onnx", model)
    assert (code, "the model itself" in one_line(err)) == (2, True)
    Path("m.onnx.json").write_text("{}")
    code, _, err = run("calibrate", model, photo, "--point=16,16=2", "--write-onnx", "m.onnx")
    assert (code, "would win" in one_line(err)) == (2, True)


def test_a_preset_lives_on_in_the_card(
    run: Run, make_depth_model: Callable[..., Path], photo: Path
) -> None:
    model = make_depth_model("height", "width")
    points_of = ("--point", "16,16=4", "--point", "144,16=1")
    code, _, err = run(
        *("calibrate", model, photo, *points_of, "--card", "midas-small", "--size", 32, 160)
    )
    assert code == 0, err
    card = json.loads(Path(f"{model}.json").read_text())
    assert (card["preset"], card["meaning"], card["size"]) == (
        *("midas-small", "inverse-metres"),
        [32, 160],
    )
    code, out, err = run("predict", photo, "--model", model, "--format", "npy", "--json")
    assert code == 0, err
    (one,) = json.loads(out)["predictions"]
    np.testing.assert_allclose(np.load(one["files"][0])[16, [16, 144]], [4, 1], rtol=1e-3)


def test_a_scale_alone_makes_no_distance_of_nothing(
    run: Run, make_depth_model: Callable[..., Path], photo: Path
) -> None:
    model = make_depth_model(32, 160)
    Path(f"{model}.json").write_text(json.dumps({"meaning": "disparity", "shift": -1000}))
    code, _, err = run(
        *("calibrate", model, photo, "--point", "16,16=4", "--point", "144,16=1"),
        *("--fit", "scale"),
    )
    assert code == 2
    assert "of which no scale makes a distance" in one_line(err)
