"""The demo's page as a person uses it: camera, photo, benchmark, record, picture, clip."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Playwright, expect

from bench.records.validation import find_fault
from tests.integration.demo.conftest import CAMERA, REFUSED, Demo, open_page
from tests.integration.demo.seen_page import PATIENCE_MS, SeenPage, compare_maps
from tests.integration.headless_browser import run_browser

Visit = Callable[[str], AbstractContextManager[SeenPage]]


def test_the_camera_and_its_depth_are_shown_with_their_figures(
    demo: Demo, visit: Visit, model: Path
) -> None:
    with visit(demo.url) as seen:
        seen.button("Use camera")
        assert seen.reads("fps") > 0
        seen.reads("forward")
        forward, whole = seen.at_once("forward", "whole")
        assert 0 < forward <= whole * 1.001
        for name in ("mean", "p50", "p90", "dropped", "threads"):
            assert seen.reads(name) >= 0
        seen.button("Stop camera")
        seen.page.locator("#depth").click(position={"x": 10, "y": 10})
        point = float(seen.page.locator("#point").inner_text().removesuffix(" m"))
        # a map that was on its way may have come since
        newest = np.stack([seen.maps[number] for number in sorted(seen.maps)[-2:]])
        assert np.isclose(newest, point, atol=0.006).any()
        seen.page.locator("#depth-surface").press("ArrowRight")
        seen.says("At the point: ")
    compare_maps(seen, model)
    assert len({frame.tobytes() for frame in seen.frames.values()}) > 1, (
        "the camera's picture moves"
    )


def test_a_benchmark_is_300_forwards_and_is_kept_as_a_record(
    demo: Demo, visit: Visit, wait_until: Callable[..., float]
) -> None:
    with visit(demo.url) as seen:
        seen.button("Use camera")
        seen.reads("forward")
        seen.button("Benchmark")
        seen.says("300 forwards done")
        assert not seen.page.evaluate("document.getElementById('video').srcObject")
        shown = {name: seen.reads(name) for name in ("mean", "p50", "p90", "counted")}
        seen.button("Keep as record")
        seen.says("Kept in the records")
    wait_until(demo.records.exists, 30)
    record = json.loads(demo.records.read_text().splitlines()[-1])
    assert not find_fault(record)
    assert (record["source"], record["kind"]) == ("demo", "latency")
    assert len(record["samples_ms"]) == shown["counted"] == 300
    samples = np.array(record["samples_ms"])
    assert shown["mean"] == pytest.approx(samples.mean(), rel=0.01, abs=0.001)
    assert shown["p50"] == pytest.approx(np.percentile(samples, 50), rel=0.01, abs=0.001)
    assert shown["p90"] == pytest.approx(np.percentile(samples, 90), rel=0.01, abs=0.001)
    assert record["conditions"]["host"]


def test_a_camera_that_is_refused_leaves_the_photo(
    demo: Demo, playwright: Playwright, model: Path, tmp_path: Path
) -> None:
    picture = Image.fromarray(np.random.default_rng(0).integers(0, 255, (60, 40, 3), np.uint8))
    picture.save(tmp_path / "photo.png")
    with (
        run_browser(playwright, CAMERA, REFUSED) as refusing,
        open_page(refusing, demo.url) as seen,
    ):
        seen.button("Use camera")
        seen.says("The camera was not allowed: allow it for this page, or choose a photo.")
        with seen.page.expect_file_chooser() as chooser:
            seen.button("Choose a photo")
        chooser.value.set_files(tmp_path / "photo.png")
        expect(seen.page.locator("#stage[data-shows=pair]")).to_have_count(1)
        seen.reads("forward")
        (tmp_path / "not.png").write_text("no picture")
        seen.page.locator("#photo-file").set_input_files(tmp_path / "not.png")
        seen.says("no picture that this browser can read")
    compare_maps(seen, model)
    (frame,) = seen.frames.values()
    np.testing.assert_array_equal(frame[..., :3], np.asarray(picture))


def test_a_browser_without_camera_says_so(demo: Demo, playwright: Playwright) -> None:
    with run_browser(playwright) as bare, open_page(bare, demo.url) as seen:
        seen.button("Use camera")
        seen.says("choose a photo")


def test_a_second_browser_is_told_and_has_its_turn(demo: Demo, visit: Visit) -> None:
    with visit(demo.url) as second, visit(demo.url) as third:
        third.says("Another browser uses this device")
        expect(third.page.locator("#camera")).to_be_disabled()
        second.page.close()
        third.button("Try again")
        third.says("was loaded in")


def test_a_page_that_leaves_in_the_midst_of_a_frame_comes_back(demo: Demo, visit: Visit) -> None:
    with visit(demo.url) as seen:
        for _ in range(3):
            seen.button("Use camera")
            seen.page.reload()
        seen.button("Use camera")
        assert seen.reads("fps") > 0


def test_a_picture_and_a_clip_are_saved(demo: Demo, visit: Visit, tmp_path: Path) -> None:
    with visit(demo.url) as seen:
        seen.button("Use camera")
        with seen.page.expect_download() as picture:
            seen.button("Save picture")
        picture.value.save_as(tmp_path / "picture.png")
        seen.button("Save clip")
        seen.reads("fps")
        with seen.page.expect_download() as clip:
            seen.button("End clip")
        clip.value.save_as(tmp_path / "clip")
    with Image.open(tmp_path / "picture.png") as saved:
        assert saved.width == 2 * 640 + 8
        assert len(saved.convert("RGB").getcolors(1 << 20) or []) > 100
    head = (tmp_path / "clip").read_bytes()[:12]
    assert head[:4] == b"\x1a\x45\xdf\xa3" or head[4:8] == b"ftyp"  # WebM or MP4


def test_a_model_is_loaded_from_a_file_and_what_is_none_is_refused(
    demo: Demo, visit: Visit, tmp_path: Path
) -> None:
    (tmp_path / "wrong.so").write_text("no library")
    with visit(demo.url) as seen:
        seen.button("Load model")
        listed = seen.page.locator("input[name=package]")
        count = listed.count()
        seen.page.locator("#package-file").set_input_files(tmp_path / "wrong.so")
        status = seen.page.locator("#models-status")
        expect(status).to_have_text(re.compile("^(?!Sending).+"), timeout=PATIENCE_MS)
        assert listed.count() == count
        assert [("422" in one) for one in seen.complaints] == [True]  # the browser's own words
        seen.complaints.clear()
        seen.page.locator("#package-file").set_input_files(demo.said["libraries"][0])
        expect(status).to_contain_text("choose Load", timeout=PATIENCE_MS)
        seen.button("Load")
        seen.says("was loaded in")
