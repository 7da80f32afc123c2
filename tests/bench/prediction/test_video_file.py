"""Videos are read as OpenCV reads them: upright, whole or as far as they go."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from bench.prediction import video_file
from bench.prediction.video_file import VideoFile
from depthbench.errors import InputError

from .conftest import MakeVideo, greys


def as_opencv_reads(path: Path) -> list[NDArray[Any]]:
    capture = cv2.VideoCapture(str(path))
    frames: list[NDArray[Any]] = []
    while True:
        there, frame = capture.read()
        if not there:
            return frames
        frames.append(frame[..., ::-1])


def corners() -> list[NDArray[np.uint8]]:
    """Each corner of another grey: turned or mirrored, it is another picture."""
    picture = np.zeros((48, 64, 3), np.uint8)
    picture[:24, :32], picture[:24, 32:], picture[24:, :32] = 80, 160, 240
    return [picture] * 3


def noise(count: int) -> list[NDArray[np.uint8]]:
    """Pictures that take many bytes."""
    random = np.random.default_rng(0)
    return list(random.integers(0, 256, (count, 48, 64, 3), np.uint8))


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_a_turned_video_is_read_upright(make_video: MakeVideo, rotation: int) -> None:
    path = make_video(corners(), rotation=rotation)
    expected = as_opencv_reads(path)
    found = [frame.image for frame in VideoFile(path).frames()]
    assert len(found) == len(expected) == 3
    assert found[0].shape == expected[0].shape
    np.testing.assert_allclose(found[0].astype(int), expected[0].astype(int), atol=3)


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv", "clip.avi"])
def test_a_whole_video_has_all_its_frames_and_no_damage(make_video: MakeVideo, name: str) -> None:
    path = make_video(greys(23), name)
    video = VideoFile(path)
    frames = list(video.frames())
    assert len(frames) == len(as_opencv_reads(path)) == 23
    assert video.damage == ""


def test_frames_that_come_at_other_times_keep_them(make_video: MakeVideo) -> None:
    times = [0, 40, 80, 500, 1500, 1540]
    video = VideoFile(make_video(greys(6), times_ms=times))
    found = [frame.time_s for frame in video.frames()]
    np.testing.assert_allclose(found, [time / 1000 for time in times], atol=1e-3)
    assert video.damage == ""


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv"])
def test_a_video_cut_short_is_read_until_there(
    make_video: MakeVideo, tmp_path: Path, name: str
) -> None:
    whole = make_video(noise(60), name, options={"movflags": "+faststart"})
    cut = tmp_path / name
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size * 6 // 10])
    video = VideoFile(cut)
    frames = list(video.frames())
    assert 5 < len(frames) < 55
    np.testing.assert_allclose(frames[3].image.astype(int), as_opencv_reads(whole)[3], atol=4)
    assert "cut short" in video.damage
    assert "of 6.0 s are there" in video.damage


@pytest.mark.parametrize("threads", ["FRAME", "SLICE"])
def test_what_the_decoder_holds_where_a_video_ends_in_nonsense_is_read_too(
    make_video: MakeVideo, threads: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With threads for frames it gives none before it has a packet for each of them."""
    monkeypatch.setattr(video_file, "DECODER_THREADS", threads)
    path = make_video(noise(20), "clip.mkv")
    video = VideoFile(path)
    open_it = video._open

    class Ending:
        """The container, whose eighth packet is no video."""

        def __init__(self) -> None:
            self.whole = open_it()
            self.streams = self.whole.streams

        def __enter__(self) -> Any:
            return self

        def __exit__(self, *_: object) -> None:
            self.whole.close()

        def demux(self, stream: Any) -> Any:
            yield from itertools.islice(self.whole.demux(stream), 7)
            raise av.error.InvalidDataError(1, "no video")

    monkeypatch.setattr(video, "_open", Ending)
    frames = [frame.image.astype(int) for frame in video.frames()]
    assert len(frames) == 7
    np.testing.assert_allclose(frames, as_opencv_reads(path)[:7], atol=4)
    assert "cut short" in video.damage


def test_a_video_cut_short_before_its_first_picture_is_one_line(
    make_video: MakeVideo, tmp_path: Path
) -> None:
    cut = tmp_path / "clip.mkv"
    cut.write_bytes(make_video(noise(20), "clip.mkv").read_bytes()[:400])
    with pytest.raises(InputError, match=r"clip\.mkv: cannot be read.* cut short before") as caught:
        VideoFile(cut)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("threads", ["AUTO", "SLICE"])
def test_damage_in_the_midst_is_told_and_the_rest_read(
    make_video: MakeVideo, tmp_path: Path, threads: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However the decoder's threads share the work: some of its ways do not see the damage."""
    monkeypatch.setattr(video_file, "DECODER_THREADS", threads)
    whole = make_video(noise(60), "clip.ts")
    content = bytearray(whole.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 3000] = bytes(3000)
    path = tmp_path / "clip.ts"
    path.write_bytes(content)
    video = VideoFile(path)
    frames = list(video.frames())
    assert 20 < len(frames) <= 60
    assert "damaged" in video.damage


@pytest.mark.parametrize(
    ("content", "said"),
    [(b"", "not a video"), (b"no video at all\n" * 50, "not a video")],
    ids=["empty", "text"],
)
def test_what_is_no_video_is_one_line(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    with pytest.raises(InputError, match=said) as caught:
        VideoFile(path)
    assert str(path) in str(caught.value)


def test_a_video_without_its_index_is_one_line(make_video: MakeVideo, tmp_path: Path) -> None:
    whole = make_video(greys(60))
    path = tmp_path / "clip.mp4"
    path.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(InputError, match="cut short"):
        VideoFile(path)


def test_a_file_with_sound_only_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "sound.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=44100)
        for _ in range(20):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            frame.sample_rate = 44100
            container.mux(stream.encode(frame))
        container.mux(stream.encode())
    with pytest.raises(InputError, match="no pictures in it"):
        VideoFile(path)


def test_sound_that_goes_on_longer_is_no_cut(tmp_path: Path) -> None:
    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as container:
        pictures = container.add_stream("libx264", rate=10)
        pictures.height, pictures.width, pictures.pix_fmt = 48, 64, "yuv420p"
        sound = container.add_stream("aac", rate=8000)
        for picture in greys(5):
            container.mux(pictures.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(pictures.encode())
        for _ in range(40):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), "fltp", "mono")
            frame.sample_rate = 8000
            container.mux(sound.encode(frame))
        container.mux(sound.encode())
    video = VideoFile(path)
    assert len(list(video.frames())) == 5
    assert video.damage == ""
