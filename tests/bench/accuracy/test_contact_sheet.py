"""The contact sheet: a PNG of the right size, drawn from what was scored."""

from __future__ import annotations

import json
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngImageFile

from bench.accuracy.contact_sheet import (
    PANELS,
    Sample,
    check_path,
    sheet_entry,
    spread,
    write_contact_sheet,
)
from bench.accuracy.evaluate import ImageResult, score_images
from depthbench.errors import InputError
from depthnet.card.card import Card
from depthnet.card.depth_model import DepthModel
from depthnet.card.port import Port
from depthnet.data.rooms.dataset import RoomsDataset
from depthnet.scoring import protocols

RECORD = {
    **{"model": "tiny", "data": "rooms", "split": "test", "protocol": "eigen", "images": 2},
    **{"runtime": "onnxruntime", "weights": "none", "rmse": 1.0, "rel": 0.5, "delta1": 0.25},
}


@pytest.fixture(scope="module")
def results() -> list[ImageResult]:
    dataset = RoomsDataset(limit=2, size=(60, 80))
    return list(
        score_images(
            lambda image: np.float32(1) + image[0, 0] * 4,
            DepthModel(Path("tiny.onnx"), Card(), Port("image", (1, 3, 32, 32), "float32")),
            dataset,
            protocols.get("eigen"),
        )
    )


def test_a_sheet_has_a_row_for_each_result(results: list[ImageResult], tmp_path: Path) -> None:
    heights = []
    for count in (1, 2):
        path = tmp_path / f"{count}.png"
        write_contact_sheet(path, results[:count], RECORD)
        with Image.open(path) as sheet:
            assert sheet.format == "PNG"
            assert sheet.width == 1920
            heights.append(sheet.height)
    assert heights[1] > 1.4 * heights[0]


def test_a_sheet_says_where_its_panels_are(results: list[ImageResult], tmp_path: Path) -> None:
    write_contact_sheet(tmp_path / "sheet.png", results, RECORD)
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert isinstance(sheet, PngImageFile)
        rows = json.loads(sheet.text[PANELS])
        photos = [sheet.crop(row["boxes"][0]).convert("RGB") for row in rows]
    assert [row["name"] for row in rows] == [result.name for result in results]
    for photo, result in zip(photos, results, strict=True):
        small = Image.fromarray(result.image).resize(photo.size)
        difference = np.abs(np.asarray(photo, float) - np.asarray(small, float))
        assert difference.mean() < 8
    truth = results[0].comparison.truth[results[0].comparison.mask]
    assert rows[0]["near_m"] == pytest.approx(np.percentile(truth, 1))
    assert rows[0]["delta1"] == results[0].scores["delta1"]


def test_what_is_drawn_is_what_was_scored(results: list[ImageResult], tmp_path: Path) -> None:
    from bench.accuracy import contact_sheet

    figure = contact_sheet._draw(results, RECORD)
    axes = [axis for axis in figure.axes if axis.get_images()]
    drawn: list[np.ma.MaskedArray] = [
        np.ma.asarray(axis.get_images()[0].get_array())
        for axis in axes
        if axis.get_label() != "<colorbar>"
    ]
    image, truth, prediction, error = drawn[:4]
    comparison = results[0].comparison
    assert np.array_equal(image, results[0].image)
    assert np.array_equal(np.ma.getmaskarray(truth), ~comparison.mask)
    assert np.array_equal(prediction, comparison.prediction)
    assert np.allclose(error.compressed(), (prediction - comparison.truth)[comparison.mask])
    text = " ".join(axis.get_title(loc="left") for axis in axes)
    assert "test/00000" in text
    assert f"RMSE {results[0].scores['rmse']:.3f} m" in text


def test_a_full_disk_leaves_no_half_of_a_sheet(results: list[ImageResult], tmp_path: Path) -> None:
    full = OSError(28, "No space left on device")
    with patch("depthbench.files.os.replace", side_effect=full), pytest.raises(OSError, match="No"):
        write_contact_sheet(tmp_path / "sheet.png", results[:1], RECORD)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("count", "images", "expected"), [(5, 8, [0, 1, 2, 3, 4]), (9, 3, [0, 4, 8])]
)
def test_images_are_spread_over_the_data_set(count: int, images: int, expected: list[int]) -> None:
    assert spread(count, images) == expected


def test_a_sheet_of_another_format_is_refused() -> None:
    with pytest.raises(InputError, match="name it FILE"):
        check_path(Path("sheet.jpg"))


@pytest.mark.parametrize(("count", "images"), [(10, 3), (2, 8), (5, 0), (0, 4)])
def test_a_sample_keeps_what_is_spread(count: int, images: int) -> None:
    sample = Sample(count, images)
    for i in range(count):
        sample(i)  # type: ignore[arg-type]
    assert sample.results == spread(count, images)[:count]


def test_a_record_names_its_sheet_as_seen_from_its_file(tmp_path: Path) -> None:
    sheet = tmp_path / "sheets" / "a.png"
    sheet.parent.mkdir()
    sheet.write_bytes(b"")
    entry = sheet_entry(sheet, tmp_path / "out" / "records.jsonl")
    assert entry["file"] == "../sheets/a.png"
    # Of no bytes, as in the standard's examples.
    assert entry["sha256"].startswith("e3b0c44298fc1c14")
