"""Videos side by side are what OpenCV reads back: pictures, colours and times."""

from __future__ import annotations

import contextlib
import itertools
import math
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cv2
import matplotlib
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from bench.prediction import camera as cameras
from bench.prediction.canvas import Canvas
from bench.prediction.colour_scale import QUANTITIES, ColourScale
from bench.prediction.intrinsics import Intrinsics
from bench.prediction.output_folder import OutputFolder
from bench.prediction.predict_video import Recorded, VideoPrediction, spread_sample
from bench.prediction.predictor import Predictor
from bench.prediction.recording import WIDEST_CAPTION
from bench.prediction.sources import find_sources
from bench.prediction.wanted import Wanted
from depthbench.errors import DeviceError, InputError

from .conftest import MakeVideo, greys

Predict = Callable[..., Recorded]


@pytest.fixture
def predict(predictor: Predictor, tmp_path: Path) -> Predict:
    """Predict what is named, by 1 + green."""

    def call(name: object, wanted: Wanted | None = None, **settings: Any) -> Recorded:
        output = OutputFolder(tmp_path / "predicted")
        (source,) = find_sources([str(name)], output).sources
        return VideoPrediction(predictor, wanted or Wanted(), output, **settings).predict(source)

    return call


@pytest.fixture
def test_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    """FFmpeg's test picture in place of a camera, as fast as one."""
    place = ("testsrc=size=64x48:rate=30,realtime", "lavfi")
    monkeypatch.setattr(cameras, "place_of", lambda number: place)


def read_back(path: str) -> tuple[list[NDArray[Any]], list[float]]:
    """Frames in RGB and their times in seconds."""
    capture = cv2.VideoCapture(path)
    frames: list[NDArray[Any]] = []
    times: list[float] = []
    while True:
        there, frame = capture.read()
        if not there:
            return frames, times
        frames.append(frame[..., ::-1])
        times.append(capture.get(cv2.CAP_PROP_POS_MSEC) / 1000)


def panes(frame: NDArray[Any], scale: ColourScale, size: tuple[int, int]) -> list[NDArray[Any]]:
    """The photo and the colours in a frame, a little from their edges."""
    places = Canvas(size, 2, scale, caption=WIDEST_CAPTION).places
    return [frame[row + 4 : row + size[0] - 4, at + 4 : at + size[1] - 4] for row, at in places]


@pytest.mark.parametrize("times", [None, [0, 100, 150, 900, 1000, 1600]], ids=["even", "uneven"])
def test_a_video_is_read_back_with_its_pictures_colours_and_times(
    make_video: MakeVideo, predict: Predict, times: list[int] | None
) -> None:
    pictures = greys(6)
    path = make_video(pictures, times_ms=times)
    document = predict(path).document
    (file,) = document["files"]
    frames, found_times = read_back(file)
    assert document["frames"] == len(frames) == 6
    expected_times = np.array(times or range(0, 600, 100)) / 1000
    np.testing.assert_allclose(found_times, expected_times, atol=0.002)
    scale = ColourScale(document["near"], document["far"], QUANTITIES["metres"])
    for picture, frame in zip(pictures, frames, strict=True):
        photo, colours = panes(frame, scale, (48, 64))
        level = int(picture[0, 0, 0])
        assert np.abs(photo.astype(int) - level).mean() < 4
        depth = 1 + level / 255
        nearness = 1 - (depth - document["near"]) / (document["far"] - document["near"])
        colour = np.array(matplotlib.colormaps["inferno"](nearness)[:3]) * 255
        assert np.abs(colours.mean((0, 1)) - colour).max() < 10
    assert document["notes"] == []


def test_one_depth_has_one_colour_in_all_of_a_video(
    make_video: MakeVideo, predict: Predict
) -> None:
    """Half of each picture stays as it is while the other half becomes lighter."""
    pictures = greys(12)
    for picture in pictures:
        picture[:, :32] = 90
    frames, _ = read_back(predict(make_video(pictures)).document["files"][0])
    scale = ColourScale(1, 2, QUANTITIES["metres"])
    halves = [panes(frame, scale, (48, 64))[1][:, :20].mean((0, 1)) for frame in frames]
    assert np.ptp(halves, axis=0).max() < 6


def test_the_range_is_that_of_the_whole_video(make_video: MakeVideo, predict: Predict) -> None:
    document = predict(make_video(greys(40))).document
    assert document["near"] == pytest.approx(1 + 20 / 255, abs=0.03)
    assert document["far"] == pytest.approx(1 + 220 / 255, abs=0.06)


def test_ends_that_are_asked_for_are_taken(make_video: MakeVideo, predict: Predict) -> None:
    document = predict(make_video(greys(3)), Wanted(near=0.5, far=3)).document
    assert (document["near"], document["far"]) == (0.5, 3)


def test_every_frame_becomes_files_where_they_are_asked_for(
    make_video: MakeVideo, predict: Predict, tmp_path: Path
) -> None:
    path = make_video(greys(4))
    wanted = Wanted(formats=("npy", "ply", "video"), camera=Intrinsics(50, 50, 32, 24))
    document = predict(path, wanted).document
    folder, video = map(Path, document["files"])
    assert sorted(file.name for file in folder.iterdir())[:3] == [
        "000000-depth.npy",
        "000000-depth.ply",
        "000001-depth.npy",
    ]
    depth = np.load(folder / "000003-depth.npy")
    np.testing.assert_allclose(depth, 1 + 220 / 255, atol=0.02)
    assert len(list(folder.iterdir())) == 8
    shorter = predict(path, wanted, seconds=0.15).document
    assert (shorter["frames"], shorter["files"]) == (2, document["files"])
    assert len(list(folder.iterdir())) == 4
    assert len(read_back(str(video))[0]) == 2


def test_a_point_cloud_of_a_video_needs_to_be_told_of_the_camera(
    make_video: MakeVideo, predict: Predict, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match="give --fov DEGREES"):
        predict(make_video(greys(2)), Wanted(formats=("ply", "video")))
    assert not list((tmp_path / "predicted").glob("*"))


def test_a_video_cut_short_gives_what_is_there_and_says_so(
    make_video: MakeVideo, predict: Predict, tmp_path: Path
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (40, 48, 64, 3), np.uint8)
    whole = make_video(list(noise), options={"movflags": "+faststart"})
    cut = tmp_path / "clip.mp4"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    document = predict(cut).document
    assert 5 < document["frames"] < 38
    assert len(read_back(document["files"][0])[0]) == document["frames"]
    assert "it is cut short" in " ".join(document["notes"])


def test_large_frames_are_shrunk_and_turned_ones_upright(
    make_video: MakeVideo, predict: Predict
) -> None:
    picture = np.zeros((60, 1000, 3), np.uint8)
    picture[:, :500] = 200
    document = predict(make_video([picture] * 2, rotation=90)).document
    frames, _ = read_back(document["files"][0])
    assert document["size"] == [1000, 60]
    scale = ColourScale(document["near"], document["far"], QUANTITIES["metres"])
    photo, _ = panes(frames[0], scale, (720, 43))
    assert frames[0].shape[0] < 800
    assert abs(float(photo[:300].mean()) - float(photo[-300:].mean())) > 150


def test_wide_frames_are_shrunk(make_video: MakeVideo, predict: Predict) -> None:
    document = predict(make_video([np.full((40, 3000, 3), 90, np.uint8)] * 2)).document
    frames, _ = read_back(document["files"][0])
    assert 2 * 1280 < frames[0].shape[1] < 2 * 1280 + 150


def test_an_interrupted_video_leaves_no_file(
    make_video: MakeVideo, predict: Predict, tmp_path: Path
) -> None:
    def interrupt(count: int, total: int | None, rate: float | None) -> None:
        if count == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        predict(make_video(greys(6)), on_frame=interrupt)
    assert not list((tmp_path / "predicted").iterdir())


@pytest.mark.usefixtures("test_picture")
def test_a_camera_is_recorded_for_some_seconds(predict: Predict) -> None:
    document = predict("camera:0", seconds=1.0).document
    frames, times = read_back(document["files"][0])
    assert document["frames"] == len(frames) >= 2
    assert times[-1] < 1.0
    assert document["size"] == [48, 64]


@pytest.mark.usefixtures("test_picture")
def test_a_recording_that_is_interrupted_is_kept_and_plays(predict: Predict) -> None:
    def interrupt(count: int, total: int | None, rate: float | None) -> None:
        if count == 20:
            raise KeyboardInterrupt

    recorded = predict("camera:0", on_frame=interrupt)
    assert isinstance(recorded.stopped, KeyboardInterrupt)
    assert len(read_back(recorded.document["files"][0])[0]) == 20
    again = predict("camera:0", seconds=0.5)
    assert again.document["files"] != recorded.document["files"]


def test_a_camera_that_is_lost_leaves_what_it_gave(
    predict: Predict, make_video: MakeVideo, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A file that ends stands for a camera that is pulled out."""
    place = (str(make_video(greys(400, (16, 16)))), "mov")
    monkeypatch.setattr(cameras, "place_of", lambda number: place)
    recorded = predict("camera:0", Wanted(near=1, far=2))
    assert isinstance(recorded.stopped, DeviceError)
    assert "camera:0 was lost" in str(recorded.stopped)
    assert len(read_back(recorded.document["files"][0])[0]) == recorded.document["frames"] > 0


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("/dev/video987", "no such camera"),
        ("/dev/null", "is no camera that can be read"),
    ],
)
def test_a_camera_that_is_none_is_one_line(
    monkeypatch: pytest.MonkeyPatch, file: str, said: str
) -> None:
    monkeypatch.setattr(cameras, "place_of", lambda number: (file, "v4l2"))
    with pytest.raises(DeviceError, match=said):
        cameras.Camera(0)


@pytest.mark.parametrize(
    ("number", "said"),
    [(13, "may not be opened; join the group video"), (16, "is in use"), (5, "no camera that")],
    ids=["EACCES", "EBUSY", "EIO"],
)
def test_a_camera_that_refuses_is_one_line(
    monkeypatch: pytest.MonkeyPatch, number: int, said: str
) -> None:
    import av

    def refuse(*_: Any, **__: Any) -> None:
        raise av.error.OSError(number, "as the driver says it", "/dev/video0")

    monkeypatch.setattr(av, "open", refuse)
    with pytest.raises(DeviceError, match=said):
        cameras.Camera(0)


@pytest.mark.parametrize("hangs_in", ["open", "demux"])
def test_a_camera_that_hangs_is_given_up(monkeypatch: pytest.MonkeyPatch, hangs_in: str) -> None:
    import av

    enough = threading.Event()

    class Hanging(contextlib.nullcontext[Any]):
        def demux(self, video: int) -> Iterator[Any]:
            enough.wait()
            yield from ()

        def __enter__(self) -> Any:
            return self

    def open_camera(*_: Any, **__: Any) -> Hanging:
        if hangs_in == "open":
            enough.wait()
        return Hanging()

    monkeypatch.setattr(av, "open", open_camera)
    monkeypatch.setattr(cameras, "PATIENCE_S", 0.3)
    monkeypatch.setattr(cameras, "LEAVE_S", 0.1)
    with pytest.raises(DeviceError, match=r"no picture for 0\.3 s"):
        cameras.Camera(0)
    enough.set()


@given(st.integers(0, 300), st.integers(2, 20))
def test_a_sample_is_evenly_spread_and_has_the_last(total: int, count: int) -> None:
    sample, found = spread_sample(iter(range(total)), count)
    assert found == total
    assert min(total, math.ceil(count / 2)) <= len(sample) <= count + 1
    if sample:
        assert (sample[0], sample[-1]) == (0, total - 1)
    steps = np.diff(sample).tolist()
    assert len(set(steps[:-1])) <= 1
    assert all(last <= first for first, last in itertools.pairwise(steps))
