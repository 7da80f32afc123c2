"""Who says what of a model, what of it is refused, and what image and map become."""

from __future__ import annotations

import json
import logging
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthbench.errors import InputError
from depthnet.card.card import Card, parse
from depthnet.card.depth_model import DepthModel, describe
from depthnet.card.image_input import to_input
from depthnet.card.port import Port
from depthnet.card.presets import PRESETS
from depthnet.card.statements import EXPORTED, statements

IMAGE = Port("image", (1, 3, 32, 48), "float32")
DEPTH = Port("depth", (1, 1, 32, 48), "float32")
MODEL = Path("net.onnx")


def used(
    *cards: Any,
    image: Port = IMAGE,
    outputs: tuple[Port, ...] = (DEPTH,),
    metadata: dict[str, str] | None = None,
    options: dict[str, Any] | None = None,
    path: Path = MODEL,
) -> DepthModel:
    found = statements(path, metadata or {}, cards, options)
    return describe(path, [image], list(outputs), found)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"mean": [1, 2]}, "'mean' must be 3 numbers"),
        ({"mean": [1, 2, 3, 4]}, "'mean' must be 3 numbers"),
        ({"mean": [1, 2, float("nan")]}, "'mean' should be a finite number"),
        ({"std": [0, 1, 1]}, "'std' should be greater than 0"),
        ({"means": [1, 2, 3]}, "did you mean 'mean'"),
        ({"size": [224]}, "'size' must be 2 numbers"),
        ({"size": [0, 224]}, "'size' should be greater than or equal to 2"),
        ({"size": "224x224"}, "'size' should be a valid array"),
        ({"layout": "NWHC"}, "'layout' should be 'NCHW' or 'NHWC'"),
        ({"range": [1, 0]}, "'range' must rise"),
        ({"meaning": "depth"}, "'meaning' should be 'metres'"),
        ({"scale": 0}, "'scale' must not be 0"),
        ({"clip": [2, 2]}, "'clip' must rise"),
        ({"clip": [1]}, "'clip' must be 2 numbers"),
        ({"calibration": {"points": 0}}, "'calibration' "),
        ({"multiple": True}, "'multiple' should be a valid integer"),
        ({"antialias": "yes"}, "'antialias' should be a valid boolean"),
    ],
)
def test_what_no_card_can_say_is_refused_in_one_line(fields: dict[str, Any], says: str) -> None:
    with pytest.raises(InputError) as error:
        parse(fields, "net.onnx.json")
    assert says in str(error.value)
    assert str(error.value).startswith("net.onnx.json: ")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"mean: 1", "it is no JSON"),
        (b"\xff\xfe\x00", "it is no JSON"),
        (b"[" * 100_000, "it is no JSON"),
        (b"[1, 2]", "one JSON object"),
        (b'{"preset": "dtp"}', "did you mean 'dpt'"),
        (b" " * (1 << 21), "larger than 1 MiB"),
    ],
)
def test_a_file_that_is_no_card_is_refused(tmp_path: Path, content: bytes, says: str) -> None:
    file = tmp_path / "card.json"
    file.write_bytes(content)
    with pytest.raises(InputError, match=says) as error:
        used(str(file))
    assert len(str(error.value)) < 300


def test_every_field_and_preset_is_documented() -> None:
    docs = Path(__file__).resolve().parents[3] / "docs"
    fields, presets = (
        {name for row in re.findall(r"^\| (`[^|]*`) \|", text, re.MULTILINE) for name in names(row)}
        for text in (
            (docs / "file_formats.md").read_text().partition("## Model card")[2].split("\n## ")[0],
            (docs / "models.md").read_text().partition("## Cards")[2].split("\n## ")[0],
        )
    )
    assert fields == set(Card.model_fields)
    assert presets == set(PRESETS)


def names(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def test_later_statements_win(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    metadata = {"depthbench.card": json.dumps({"mean": [0.1, 0, 0], "std": [2, 2, 2], "scale": 3})}
    assert used(path=path, metadata=metadata).card.mean == (0.1, 0, 0)
    Path(f"{path}.json").write_text(json.dumps({"mean": [0.4, 0, 0], "std": [5, 5, 5]}))
    card = tmp_path / "card.json"
    card.write_text(json.dumps({"mean": [0.6, 0, 0], "meaning": "relative"}))
    found = used(str(card), path=path, metadata=metadata, options={"meaning": "disparity"}).card
    assert (found.mean, found.std, found.scale) == ((0.6, 0, 0), (5, 5, 5), 3)
    assert found.meaning == "disparity"


def test_a_card_goes_on_from_its_preset() -> None:
    image = Port("image", (1, 3, 64, 64), "float32")
    found = used({"preset": "dpt", "mean": [0.1, 0.2, 0.3]}, image=image).card
    assert (found.mean, found.std, found.multiple) == ((0.1, 0.2, 0.3), (0.5, 0.5, 0.5), 32)


def test_our_own_files_need_no_card(caplog: pytest.LogCaptureFixture) -> None:
    found = used(metadata={"depthbench.format": "1"}).card
    assert {name: getattr(found, name) for name in EXPORTED.model_fields_set} == {
        name: getattr(EXPORTED, name) for name in EXPORTED.model_fields_set
    }
    assert caplog.records == []


@pytest.mark.parametrize(
    ("image", "outputs", "expected", "told"),
    [
        (IMAGE, [DEPTH], {"layout": "NCHW", "meaning": "metres"}, "RGB in [0, 1]"),
        (
            Port("x", (1, 32, 48, 3), "uint8"),
            [DEPTH],
            {"layout": "NHWC", "values": "bytes", "range": (0, 255)},
            "layout NHWC, by its shape",
        ),
        (IMAGE, [Port("disp", (), "float32")], {"meaning": "disparity"}, "1 / depth, up to"),
        (
            IMAGE,
            [Port("class", (1, 10), "float32"), Port("out", (1, 1, 4, 6), "float32"), DEPTH],
            {"output": "depth"},
            "output 'depth' is depth in metres",
        ),
        (
            IMAGE,
            [Port(f"disp_{n}", (1, 1, 4 << n, 6 << n), "float32") for n in range(3)],
            {"output": "disp_2"},
            "'disp_2'",
        ),
    ],
)
def test_what_the_file_shows_is_taken_and_told(
    image: Port,
    outputs: list[Port],
    expected: dict[str, Any],
    told: str,
    caplog: pytest.LogCaptureFixture,
) -> None:
    found = used(image=image, outputs=tuple(outputs)).card
    assert {name: getattr(found, name) for name in expected} == expected
    (line,) = caplog.messages
    assert told in line
    assert "\n" not in line


def test_what_is_said_is_not_told(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    used({"range": [0, 1], "meaning": "metres"})
    assert caplog.messages == []


@pytest.mark.parametrize(
    ("card", "image", "says"),
    [
        ({"layout": "NHWC"}, IMAGE, "which is not NHWC"),
        ({"values": "bytes"}, IMAGE, "not bytes"),
        ({"output": "dept"}, IMAGE, "no output 'dept'; did you mean 'depth'"),
        ({"size": [64, 64]}, IMAGE, "size 64x64, but net.onnx takes 'image'"),
        ({"size": [64, 65], "multiple": 32}, Port("x", (1, 3, 0, 0), "float32"), "multiple of 32"),
        ({"preset": "depth-anything-v2"}, IMAGE, "is another model's"),
        ({"mean": [1, 1, 1]}, Port("x", (1, 3, 8, 8), "uint8"), "bytes have neither mean"),
        ({"mean": [123.7, 116.3, 103.5]}, IMAGE, "--range 0 255"),
        ({"align_corners": True}, IMAGE, "without antialiasing"),
        ({"antialias": False, "interpolation": "lanczos"}, IMAGE, "lanczos"),
        ({}, Port("x", (1, 10), "float32"), "not 1x3xHxW"),
        ({}, Port("x", (2, 3, 8, 8), "float32"), "not 1x3xHxW"),
        ({}, Port("x", (1, 4, 8, 8), "float32"), "not 1x3xHxW"),
        ({}, Port("x", (), "float32"), "shape (), not 1x3xHxW"),
        ({}, Port("x", (1, 3, 8, 8), "int64"), "floating point or uint8"),
    ],
)
def test_a_card_of_another_model_is_refused(card: dict[str, Any], image: Port, says: str) -> None:
    with pytest.raises(InputError) as error:
        used(card, image=image)
    assert says in str(error.value)
    assert "\n" not in str(error.value)


def test_a_model_of_two_inputs_takes_no_image_alone() -> None:
    with pytest.raises(InputError, match="more than an image: intrinsics"):
        describe(MODEL, [IMAGE, Port("intrinsics", (3, 3), "float32")], [DEPTH], [])


def test_an_open_size_is_the_images_own_to_the_next_multiple() -> None:
    image = Port("image", (1, 3, 0, 0), "float32")
    assert used({"multiple": 32}, image=image).input_size((480, 630)) == (480, 640)
    assert used({"size": [64, 96]}, image=image).input_size((480, 630)) == (64, 96)
    with pytest.raises(InputError, match=r"dynamic shape \(1x3x\?x\?\).*--size"):
        used(image=image).input_size((480, 630))


levels = st.tuples(*[st.floats(0.1, 3)] * 3)


@given(
    layout=st.sampled_from(["NCHW", "NHWC"]),
    channels=st.sampled_from(["RGB", "BGR"]),
    low=st.sampled_from([-1.0, 0.0]),
    high=st.sampled_from([1.0, 255.0]),
    mean=levels,
    std=levels,
    dtype=st.sampled_from(["float16", "float32", "float64"]),
)
def test_an_input_is_what_the_card_says_of_each_level(
    layout: Any, channels: Any, low: float, high: float, mean: Any, std: Any, dtype: str
) -> None:
    image = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    card = Card(layout=layout, channels=channels, range=(low, high), mean=mean, std=std)
    found = to_input(image, (4, 6), card, dtype)
    assert found.dtype == dtype
    planes = found[0] if layout == "NCHW" else np.moveaxis(found[0], 2, 0)
    for number, name in enumerate(channels):
        level = image[..., "RGB".index(name)] / 255
        expected = (low + (high - low) * level - mean[number]) / std[number]
        close = 2e-3 if dtype == "float16" else 1e-4
        np.testing.assert_allclose(planes[number], expected, rtol=close, atol=10 * close)


def test_bytes_are_the_levels_themselves() -> None:
    image = np.random.default_rng(0).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    card = Card(values="bytes", layout="NHWC", range=(0.0, 255.0))
    np.testing.assert_array_equal(to_input(image, (4, 6), card, "uint8")[0], image)


@pytest.mark.parametrize("shape", [(1, 1, 8, 12), (1, 8, 12, 1), (1, 8, 12), (8, 12, 1), (8, 12)])
@pytest.mark.parametrize("dtype", ["float32", "float16", "uint16"])
def test_maps_of_every_form_are_hxw(shape: tuple[int, ...], dtype: str) -> None:
    values = np.arange(96).reshape(8, 12)
    model = used({"scale": 0.5, "shift": 1.0})
    given = np.zeros(IMAGE.shape, np.float32)
    found = model.depth_map({"depth": values.reshape(shape).astype(dtype)}, given)
    np.testing.assert_allclose(found, 0.5 * values + 1)
    assert found.dtype == np.float32


@pytest.mark.parametrize(
    "shape",
    [
        (),
        (10,),
        (1, 1),
        (1, 1000),
        (1, 2, 8, 12),
        (2, 1, 8, 12),
        (1, 96, 16),
        (12, 8),
        (1, 1, 1, 1),
    ],
)
def test_what_is_no_map_of_the_image_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(InputError, match=r"'depth' is .*, not a depth map of the 32x48") as caught:
        used().depth_map({"depth": np.zeros(shape)}, np.zeros(IMAGE.shape))
    assert "--" not in (caught.value.advice or "")  # commands call the option differently


@pytest.mark.parametrize("layout", ["NCHW", "NHWC"])
def test_the_mirrored_input_is_that_of_the_mirrored_image(layout: str) -> None:
    image = np.random.default_rng(0).integers(0, 256, (32, 48, 3), dtype=np.uint8)
    shape = (1, 3, 32, 48) if layout == "NCHW" else (1, 32, 48, 3)
    model = used(image=Port("image", shape, "float32"))
    mirrored = model.mirrored(model.to_input(image))
    np.testing.assert_array_equal(mirrored, model.to_input(image[:, ::-1]))


CALIBRATION = {
    **{"points": 5, "pictures": 1, "nearest_m": 1.0, "farthest_m": 4.0},
    **{"meaning": "disparity", "scale": 1.0, "shift": 0.0},
}
CALIBRATED = {
    **{"meaning": "inverse-metres", "scale": 0.5, "shift": 0.1, "clip": [0.05, 5.0]},
    "calibration": CALIBRATION,
}


def test_the_output_is_clipped_after_scale_and_shift() -> None:
    model = used({"range": [0, 1], **CALIBRATED})
    values = np.linspace(-1, 20, 32 * 48, dtype=np.float32).reshape(1, 1, 32, 48)
    found = model.depth_map({"depth": values}, np.zeros((1, 3, 32, 48), np.float32))
    np.testing.assert_array_equal(
        found, np.clip(values[0, 0] * np.float32(0.5) + np.float32(0.1), 0.05, 5)
    )


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"output": "depth"}, True),
        ({"meaning": "inverse-metres"}, True),
        ({"meaning": "metres"}, False),
        ({"scale": 0.5}, True),
        ({"shift": 0.0}, False),
    ],
)
def test_a_calibration_holds_until_something_else_is_said(
    options: dict[str, Any], kept: bool, caplog: pytest.LogCaptureFixture
) -> None:
    model = used({"range": [0, 1], **CALIBRATED}, options=options)
    assert (model.card.calibration is not None) == kept
    assert (model.card.clip is not None) == kept
    assert bool([line for line in caplog.messages if "calibrated by card" in line]) != kept


def test_a_preset_named_again_takes_the_calibration_away(tmp_path: Path) -> None:
    path = tmp_path / "net.onnx"
    image = Port("image", (1, 3, 32, 64), "float32")
    Path(f"{path}.json").write_text(json.dumps({"preset": "midas-small", **CALIBRATED}))
    assert used(path=path, image=image).card.calibration is not None
    assert used("midas-small", path=path, image=image).card.calibration is None
