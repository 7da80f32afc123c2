"""`depthbench predict`: its files are read back by others, and every bad input is one line."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch

import cv2
import matplotlib
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

import depthbench
from depthnet.data import open_dataset

from .test_contract import one_line

Run = Callable[..., tuple[int, str, str]]
METRES = ("--meaning", "metres")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    """A picture of three greens, 24 high and 36 wide."""
    image = np.zeros((24, 36, 3), np.uint8)
    image[:, :12, 1], image[:, 12:24, 1], image[:, 24:, 1] = 0, 128, 255
    path = tmp_path / "photos" / "photo.png"
    path.parent.mkdir()
    Image.fromarray(image).save(path)
    return path


@pytest.fixture
def predict(run: Run, depth_model: Path) -> Callable[..., dict[str, Any]]:
    """Predict by 1 + green; gives the whole document."""

    def call(*arguments: object) -> dict[str, Any]:
        code, out, err = run("predict", *arguments, "--model", depth_model, *METRES, "--json")
        assert code == 0, err
        return json.loads(out)

    return call


def read(path: str | Path) -> NDArray[Any]:
    return np.asarray(Image.open(path))


def test_a_prediction_is_what_eval_scores(
    run: Run, depth_model: Path, predict: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    """The scores of the prediction in the file, computed here, are those that eval prints."""
    from depthnet.scoring import protocols

    dataset = open_dataset("rooms", "test", 2)
    options = ("--data", "rooms", "--limit", "2", "--protocol", "eigen", "--json")
    _, out, _ = run("eval", depth_model, *options, *METRES)
    record = json.loads(out)
    for index, scored in enumerate(record["per_image"]):
        pair = dataset[index]
        Image.fromarray(pair.image).save(tmp_path / f"{index}.png")
        document = predict(tmp_path / f"{index}.png", "--flip", "--format", "npy")
        (file,) = document["predictions"][0]["files"]
        scores = protocols.get("eigen").score(np.load(file), pair.depth)
        assert {name: scored[name] for name in scores} == scores


def test_the_front_door_and_the_command_give_the_same(
    depth_model: Path, predict: Callable[..., dict[str, Any]], photo: Path
) -> None:
    (file,) = predict(photo, "--format", "npy")["predictions"][0]["files"]
    card = {"meaning": "metres"}
    expected = depthbench.predict(read(photo), depth_model, card=card)
    np.testing.assert_array_equal(np.load(file), expected)
    with depthbench.open_predictor(depth_model, card=card) as opened:
        np.testing.assert_array_equal(depthbench.predict(read(photo), opened), expected)


def test_all_formats_of_one_picture_say_the_same(
    predict: Callable[..., dict[str, Any]], photo: Path
) -> None:
    (document,) = predict(photo, "--format", "colour,mm,npy,ply", "--fov", "60")["predictions"]
    colour, millimetres, array, cloud = document["files"]
    depth = np.load(array)
    assert depth.shape == (24, 36)
    np.testing.assert_allclose(depth[12, [4, 18, 32]], [1, 1 + 128 / 255, 2], rtol=1e-5)
    np.testing.assert_allclose(read(millimetres) / 1000, depth, atol=0.00051)
    assert Path(cloud).read_bytes().startswith(b"ply\n")
    assert (document["unit"], document["meaning"]) == ("m", "metres")
    assert document["intrinsics"]["fx"] == pytest.approx(18 / np.tan(np.pi / 6))
    assert read(colour).shape[2] == 3


@pytest.mark.parametrize("meaning", ["metres", "inverse-metres", "disparity", "relative"])
def test_near_is_bright_and_far_is_dark_as_matplotlib_has_it(
    run: Run, depth_model: Path, photo: Path, meaning: str
) -> None:
    near_is_large = meaning in ("inverse-metres", "disparity")
    ends = (2.0, 1.0) if near_is_large else (1.0, 2.0)
    code, out, err = run(
        *("predict", photo, "--model", depth_model, "--meaning", meaning, "--json"),
        *("--near", str(ends[0]), "--far", str(ends[1]), "--colours", "viridis"),
    )
    assert code == 0, err
    (document,) = json.loads(out)["predictions"]
    picture = read(document["files"][0]).astype(int)
    values = {4: 1.0, 18: 1 + 128 / 255, 32: 2.0}
    for column, value in values.items():
        nearness = (value - 1) if near_is_large else 1 - (value - 1)
        colour = np.array(matplotlib.colormaps["viridis"](nearness)[:3]) * 255
        # somewhere in the rows and columns of that part of the pane
        part = picture[:, column + 4 : column + 16]
        assert np.abs(part - colour).max(axis=2).min() <= 2
    assert document["unit"] == {"metres": "m", "inverse-metres": "1/m"}.get(meaning, "relative")


def test_side_by_side_shows_the_picture_itself(
    predict: Callable[..., dict[str, Any]], photo: Path
) -> None:
    (document,) = predict(photo, "--side-by-side")["predictions"]
    drawn, image = read(document["files"][0]), read(photo)
    height, width = image.shape[:2]
    assert any(
        np.array_equal(drawn[row : row + height, column : column + width], image)
        for row in range(drawn.shape[0] - height + 1)
        for column in range(40)
    )


def test_one_pixel_and_a_wide_strip_are_drawn(
    predict: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    for name, size in (("one.png", (1, 1)), ("strip.png", (300, 2))):
        Image.new("RGB", size, (0, 90, 0)).save(tmp_path / name)
        (document,) = predict(tmp_path / name, "--side-by-side", "--format", "colour,npy")[
            "predictions"
        ]
        assert np.load(document["files"][1]).shape == size[::-1]
        assert read(document["files"][0]).shape[0] > 90


def test_names_never_meet_and_nothing_of_others_is_overwritten(
    predict: Callable[..., dict[str, Any]], photo: Path, tmp_path: Path
) -> None:
    other = tmp_path / "others" / "photo.jpg"
    other.parent.mkdir()
    Image.new("RGB", (8, 8), (0, 255, 0)).save(other)
    output = tmp_path / "there"
    output.mkdir()
    (output / "PHOTO-depth.png").write_bytes(b"a person's own")
    first = predict(photo, other, "--output", output)["predictions"]
    files = [Path(document["files"][0]).name for document in first]
    assert files == ["photo-2-depth.png", "photo-3-depth.png"]
    assert (output / "PHOTO-depth.png").read_bytes() == b"a person's own"
    again = predict(other, photo, "--output", output)["predictions"]
    assert [Path(one["files"][0]).name for one in again] == files[::-1]
    assert len(list(output.glob("*.png"))) == 3


def test_a_folder_is_its_pictures_without_earlier_predictions(
    run: Run, depth_model: Path, photo: Path
) -> None:
    (photo.parent / "notes.txt").write_text("words")
    (photo.parent / "broken.jpg").write_text("words")
    Image.new("RGB", (8, 8)).save(photo.parent / "b.webp")
    arguments = ("predict", photo.parent, "--model", depth_model, *METRES)
    for _ in range(2):
        code, out, err = run(*arguments, "--output", photo.parent, "--json")
        document = json.loads(out)
        assert code == 0, err
        names = [Path(one["input"]).name for one in document["predictions"]]
        assert names == ["b.webp", "photo.png"]
    assert "skipped: 3 files that are no pictures" in err  # with the list of predictions
    assert document["skipped"] == 3


def test_one_broken_picture_of_several_does_not_stop_the_rest(
    run: Run, depth_model: Path, photo: Path
) -> None:
    broken = photo.parent / "broken.png"
    broken.write_bytes(photo.read_bytes()[:60])
    code, out, err = run("predict", broken, photo, "--model", depth_model, *METRES, "--json")
    document = json.loads(out)
    assert code == 2
    assert str(broken) in one_line(err)
    assert [one["input"] for one in document["predictions"]] == [str(photo)]
    assert [one["input"] for one in document["failed"]] == [str(broken)]


def test_depths_beyond_16_bits_are_told(run: Run, depth_model: Path, photo: Path) -> None:
    card = '{"meaning": "metres", "scale": 40.0}'
    Path("far.json").write_text(card)
    code, out, err = run(
        *("predict", photo, "--model", depth_model, "--card", "far.json", "--format", "mm")
    )
    assert code == 0, err
    assert "are not within 0.001 to 65.535 m" in out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("missing.jpg",), "missing.jpg: no such file"),
        (("",), "an input's name is empty"),
        (("empty",), "empty: no pictures in it"),
        (("words.jpg",), "words.jpg: not an image"),
        (("clip.mp4",), "clip.mp4: not a video"),
        (("camera:one",), "cameras are camera:0"),
        (("photo.png", "--format", "colour,pyl"), "did you mean 'ply'"),
        (("photo.png", "--format", "video"), "a picture gives no video"),
        (("photo.png", "--format", "ply"), "give --fov DEGREES"),
        (("photo.png", "--format", "ply", "--intrinsics", "0", "1", "2", "3"), "above 0"),
        (("photo.png", "--fov", "60", "--intrinsics", "1", "1", "2", "3"), "say the same"),
        (("photo.png", "--fov", "180"), "--fov"),
        (("photo.png", "--colours", "infreno"), "did you mean 'inferno'"),
        (("photo.png", "--near", "3", "--far", "2"), "near 3 and far 2, in m"),
        (("photo.png", "--near", "nan"), "not a finite number"),
        (("photo.png", "--near", "9"), "near 9 and far"),
        (("photo.png", "--meaning", "disparity", "--format", "mm"), "knows no metres"),
        (("photo.png", "--runtime", "onxruntime"), "onnxruntime"),
        (("photo.png", "--device", "emulatd"), "emulated"),
        (("photo.png", "--model", "mobildepth"), "mobiledepth"),
        (("photo.png", "--model", "empty"), "not a compiled model"),
        (("photo.png", "--depth-output", "dept"), "dept"),
        (("photo.png", "--output", "words.jpg"), "words.jpg"),
        ((), "INPUT"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    run: Run, depth_model: Path, tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    Image.new("RGB", (8, 8), (0, 9, 0)).save(tmp_path / "photo.png")
    (tmp_path / "empty").mkdir()
    (tmp_path / "words.jpg").write_text("words")
    (tmp_path / "clip.mp4").write_text("words")
    model = () if "--model" in arguments else ("--model", depth_model)
    code, out, err = run("predict", *model, *arguments)
    assert code == 2, err
    assert says in one_line(err)
    assert out == ""
    assert not (tmp_path / "out" / "predict").exists()


def test_a_model_without_depth_is_one_line(run: Run, photo: Path, tmp_path: Path) -> None:
    import onnx
    from onnx import TensorProto, helper

    image = helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 8, 8])
    logits = helper.make_tensor_value_info("logits", TensorProto.FLOAT, [1, 3, 1, 1])
    node = helper.make_node("GlobalAveragePool", ["image"], ["logits"])
    graph = helper.make_graph([node], "classes", [image], [logits])
    opset = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=10), tmp_path / "c.onnx")
    code, _, err = run("predict", photo, photo.parent, "--model", tmp_path / "c.onnx")
    assert code == 2
    assert "output 'logits' is 1x3x1x1, not a depth map" in one_line(err)


@pytest.mark.parametrize("name", ["clip.mp4", "camera:0"])
def test_without_pyav_the_extra_is_named(
    run: Run, depth_model: Path, photo: Path, name: str
) -> None:
    Path("clip.mp4").write_text("words")
    with patch.dict(sys.modules, {"av": None}):
        code, _, err = run("predict", name, "--model", depth_model, *METRES)
        assert run("predict", photo, "--model", depth_model, *METRES)[0] == 0
    assert code == 3
    assert "pip install 'depthbench[video]'" in one_line(err)


def test_no_camera_is_one_line(run: Run, depth_model: Path) -> None:
    code, _, err = run("predict", "camera:987", "--model", depth_model, *METRES)
    assert code == 3
    assert "camera:987: no such camera" in one_line(err)


def test_a_full_disk_leaves_no_part(run: Run, depth_model: Path, photo: Path) -> None:
    full = OSError(28, "No space left on device", "out/predict/photo-depth.png")
    with patch("depthbench.files.os.replace", side_effect=full):
        code, _, err = run("predict", photo, "--model", depth_model, *METRES)
    assert code == 3
    assert "no space left" in one_line(err)
    assert not list(Path("out/predict").iterdir())


def test_opencv_reads_the_coloured_picture(
    predict: Callable[..., dict[str, Any]], photo: Path
) -> None:
    (document,) = predict(photo)["predictions"]
    drawn = cv2.imread(document["files"][0])
    assert drawn is not None
    np.testing.assert_array_equal(drawn[..., ::-1], read(document["files"][0]))
