"""`depthbench eval --video`: videos whose flicker is known, and videos that are none."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any
from unittest.mock import patch

import av
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.bench.flicker.test_consistency import texture

from .test_contract import one_line

Run = Callable[..., tuple[int, str, str]]
Pictures = Sequence[NDArray[np.uint8]]
SIZE = (64, 96)


@pytest.fixture
def model(make_depth_model: Callable[..., Path]) -> Path:
    """1 + green, in metres."""
    return make_depth_model(*SIZE)


@pytest.fixture
def folder(tmp_path: Path) -> Callable[[Pictures], Path]:
    """Frames as PNG files, which lose nothing."""

    def make(pictures: Pictures) -> Path:
        path = tmp_path / "frames"
        path.mkdir()
        for number, picture in enumerate(pictures):
            Image.fromarray(picture).save(path / f"{number:03}.png")
        return path

    return make


@pytest.fixture
def measure(run: Run, model: Path) -> Callable[..., dict[str, Any]]:
    def call(*arguments: object, meaning: str = "metres") -> dict[str, Any]:
        code, out, err = run(
            *("eval", model, "--video", *arguments, "--meaning", meaning, "--json")
        )
        assert code == 0, err
        return json.loads(out)

    return call


def video(path: Path, pictures: Pictures, times_ms: Sequence[int] = ()) -> Path:
    """Ten frames a second, or at the times given; nothing is lost."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=10)
        stream.height, stream.width = pictures[0].shape[:2]
        stream.pix_fmt = "bgr0"
        stream.codec_context.time_base = Fraction(1, 1000)
        for number, picture in enumerate(pictures):
            frame = av.VideoFrame.from_ndarray(picture, "rgb24")
            frame.pts = times_ms[number] if times_ms else 100 * number
            frame.time_base = Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    return path


def greys(*levels: int) -> Pictures:
    return [np.full((*SIZE, 3), level, np.uint8) for level in levels]


def test_the_same_frame_again_and_again_does_not_flicker(
    measure: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    clip = video(tmp_path / "clip.mkv", [texture(0, SIZE)] * 5)
    for options in ((), ("--static",)):
        record = measure(clip, *options)
        assert (record["frames"], record["pairs"], record["cuts"]) == (5, 4, 0)
        assert (record["flicker"], record["flicker_p95"], record["aligned"]) == (0, 0, 0)
        assert (record["scale_change"], record["visible"]) == (0, 1)
    assert record["deviation"] == 0
    assert measure(clip, meaning="disparity")["flicker"] == pytest.approx(0, abs=1e-9)


def test_a_known_flicker_is_measured(
    measure: Callable[..., dict[str, Any]], folder: Callable[[Pictures], Path]
) -> None:
    record = measure(folder(greys(51, 102, 51, 102)), "--static")
    near, far = 1.2, 1.4
    steps = [(far - near) / far, (far - near) / near, (far - near) / far]
    assert record["flicker"] == pytest.approx(np.mean(steps), rel=1e-5)
    assert [pair["change"] for pair in record["per_pair"]] == pytest.approx(steps, rel=1e-5)
    assert record["worst_s"] == 2
    assert record["flicker_p95"] == pytest.approx(np.percentile(steps, 95), rel=1e-5)
    assert record["aligned"] == pytest.approx(0, abs=1e-6)
    assert record["scale_change"] == pytest.approx(np.log(far / near), rel=1e-5)
    assert record["deviation"] == pytest.approx((far - near) / (far + near), rel=1e-5)
    assert (record["share_of"], record["frames_per_second"]) == ("depth", None)


def test_a_camera_that_moves_does_not_flicker(
    measure: Callable[..., dict[str, Any]], folder: Callable[[Pictures], Path]
) -> None:
    wide = texture(1, (SIZE[0], SIZE[1] + 20))
    path = folder([wide[:, at : at + SIZE[1]].copy() for at in (0, 2, 4, 6)])
    record = measure(path)
    still = measure(path, "--static")
    assert record["flicker"] < 0.004
    assert still["flicker"] > 8 * record["flicker"]
    assert 0.8 < record["visible"] < 1


def test_cuts_are_counted_and_not_scored_across(
    measure: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    one, other = texture(2, SIZE), texture(3, SIZE)
    clip = video(tmp_path / "clip.mkv", [one] * 3 + [other] * 2 + [one] * 2)
    for options in ((), ("--static",)):
        record = measure(clip, *options)
        assert (record["cuts"], record["pairs"], record["flicker"]) == (2, 4, 0)
    assert record["deviation"] == 0


def test_frames_that_lack_are_counted_and_not_scored_across(
    measure: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    pictures = greys(51, 51, 102, 102)
    clip = video(tmp_path / "clip.mkv", pictures, times_ms=(0, 100, 300, 400))
    record = measure(clip, "--static")
    assert (record["gaps"], record["pairs"], record["flicker"]) == (1, 2, 0)


def test_a_damaged_video_is_measured_as_far_as_it_goes(
    run: Run, model: Path, tmp_path: Path
) -> None:
    whole = video(tmp_path / "whole.mkv", [texture(4, SIZE)] * 20)
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    code, out, err = run("eval", model, "--video", cut, "--meaning", "metres", "--json")
    record = json.loads(out)
    assert (code, record["flicker"]) == (0, 0)
    assert 5 <= record["frames"] < 15
    assert "cut short" in record["damage"]
    assert f"note: {cut}: it is cut short" in err


def test_a_person_reads_percents(run: Run, model: Path, tmp_path: Path) -> None:
    clip = video(tmp_path / "clip.mkv", greys(51, 102))
    code, out, err = run("eval", model, "--video", clip, "--static", "--meaning", "metres")
    assert code == 0, err
    assert "flicker          14.29 % of the depth from frame to frame" in out
    assert "10 frames/s" in out
    assert run("report", "out/records.jsonl", "-o", "report.md")[0] == 0
    report = (tmp_path / "report.md").read_text()
    assert "clip.mkv, 1 pair of frames, nothing moves | 14.3% of depth" in report
    assert "--video clip.mkv --limit 2 --runtime onnxruntime" in report


def test_frames_are_in_the_order_of_their_numbers(
    measure: Callable[..., dict[str, Any]], folder: Callable[[Pictures], Path], tmp_path: Path
) -> None:
    path = folder(greys(*range(40, 52)))
    for number, picture in enumerate(sorted(path.iterdir())):
        picture.rename(path / f"frame {number + 1}.png")
    record = measure(path, "--static")
    steps = [pair["scale"] for pair in record["per_pair"]]
    assert min(steps) > 1
    assert max(steps) < 1.01


def test_videos_of_one_name_stand_beside_each_other_in_a_report(
    run: Run, measure: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    for name, levels in (("one", (51, 102)), ("other", (51, 51))):
        (tmp_path / name).mkdir()
        measure(video(tmp_path / name / "clip.mkv", greys(*levels)), "--static")
    code, out, err = run("report", "out/records.jsonl")
    above, below = out.split("## Measurements")
    assert (code, above.count("clip.mkv, 1 pair")) == (0, 2), err
    assert below.count("clip.mkv, 1 pair") == 2


def test_the_folder_that_one_stands_in_has_a_name(
    measure: Callable[..., dict[str, Any]],
    folder: Callable[[Pictures], Path],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = folder(greys(9, 9))
    monkeypatch.chdir(path)
    assert measure(".", "--static")["data"] == path.name


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--video", "none.mp4"), "none.mp4: no such file"),
        (("--video", "text.mp4"), "not a video"),
        (("--video", "one"), "1 frame: flicker is between two"),
        (("--video", "empty"), "no pictures in it"),
        (("--video", "sizes"), "48x64, but the frames before it are 96x64"),
        (("--video", "slides"), "nothing to compare in 3 frames: 2 cuts"),
        (("--video", "tiny"), "frames of 16x16"),
        (("--video", "one", "--data", "rooms"), "--data: nothing to do, since a video has no"),
        (("--static",), "--static: nothing to do, since it is of a video"),
    ],
)
def test_bad_input_is_one_line(
    run: Run, model: Path, tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    (tmp_path / "text.mp4").write_text("no video\n" * 50)
    folders: dict[str, Pictures] = {
        **{"one": greys(9), "empty": [], "sizes": [*greys(9), greys(9)[0][:, :48]]},
        "slides": [texture(5, SIZE), texture(6, SIZE), texture(7, SIZE)],
        "tiny": [np.zeros((16, 16, 3), np.uint8)] * 2,
    }
    for name, pictures in folders.items():
        (tmp_path / name).mkdir()
        for number, picture in enumerate(pictures):
            Image.fromarray(picture).save(tmp_path / name / f"{number}.png")
    code, out, err = run("eval", model, *arguments, "--meaning", "metres")
    assert (code, out) == (2, ""), err
    assert says in one_line(err)


def test_without_opencv_it_says_what_to_install(
    run: Run, model: Path, folder: Callable[[Pictures], Path]
) -> None:
    path = folder(greys(9, 9))
    with patch.dict(sys.modules, {"cv2": None}):
        code, _, err = run("eval", model, "--video", path, "--meaning", "metres")
        assert (code, "depthbench[flicker]" in one_line(err)) == (3, True)
        assert run("eval", model, "--video", path, "--meaning", "metres", "--static")[0] == 0
