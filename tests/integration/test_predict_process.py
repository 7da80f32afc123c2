"""`depthbench predict` as a process: it ends with Ctrl-C and on a full disk, and leaves no part."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

CAMERA = "camera:42"
SMALL = 20_000
"""Bytes that fit on the disk."""


@pytest.fixture(scope="module")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A library that plays a camera of Video4Linux to the program that it is preloaded into."""
    library = tmp_path_factory.mktemp("camera") / "stand_in.so"
    source = Path(__file__).with_name("camera_stand_in.c")
    command = [sys.executable, "-m", "ziglang", "cc", "-shared", "-fPIC", "-O1", "-o"]
    subprocess.run([*command, str(library), str(source), "-ldl"], check=True)
    return library


@pytest.fixture
def start(model: Path, tmp_path: Path, stand_in: Path) -> Callable[..., subprocess.Popen[str]]:
    """Starts a prediction by the tiny model into the folder `there`."""

    def call(
        source: str, *options: str, limit: int | None = None, fault: str = ""
    ) -> subprocess.Popen[str]:
        def fill_disk() -> None:
            if limit:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        command = ["predict", source, "--model", str(model), "--meaning", "metres", *options]
        return subprocess.Popen(
            [sys.executable, "-m", "bench.cli", *command, "--output", "there"],
            cwd=tmp_path,
            env={
                **os.environ,
                "PYTHONPATH": str(Path(__file__).resolve().parents[2]),
                "LD_PRELOAD": str(stand_in),
                "CAMERA": fault,
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=fill_disk,
        )

    return call


def test_a_camera_ends_by_ctrl_c_and_its_recording_plays(
    start: Callable[..., subprocess.Popen[str]],
    wait_until: Callable[[Callable[[], object], float], float],
    tmp_path: Path,
) -> None:
    with start(CAMERA) as process:
        part = tmp_path / "there" / "camera-42-depth.mp4.part"
        wait_until(part.exists, 60)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "there/camera-42-depth.mp4" in out
    assert err.splitlines()[-1] == "depthbench: interrupted"
    names = sorted(path.name for path in (tmp_path / "there").iterdir())
    assert names == ["camera-42-depth.mp4", "predictions.jsonl"]
    capture = cv2.VideoCapture(str(tmp_path / "there" / "camera-42-depth.mp4"))
    assert capture.read()[0]


@pytest.mark.parametrize(
    ("fault", "said", "recorded"),
    [
        ("refuses", "/dev/video42 may not be opened; join the group video", False),
        ("busy", "camera:42 is in use; close the program", False),
        ("lost", "camera:42 was lost: No such device", True),
    ],
)
def test_a_camera_with_a_fault_is_one_line(
    start: Callable[..., subprocess.Popen[str]],
    tmp_path: Path,
    fault: str,
    said: str,
    recorded: bool,
) -> None:
    with start(CAMERA, "--near", "1", "--far", "2", fault=fault) as process:
        _, err = process.communicate(timeout=60)
    assert process.returncode == 3, err
    (line,) = [line for line in err.splitlines() if line.startswith("depthbench:")]
    assert said in line
    video = tmp_path / "there" / "camera-42-depth.mp4"
    assert video.exists() == recorded
    assert not recorded or cv2.VideoCapture(str(video)).read()[0]


def test_a_full_disk_is_one_line_and_leaves_no_part_of_a_video(
    start: Callable[..., subprocess.Popen[str]], tmp_path: Path
) -> None:
    with av.open(str(tmp_path / "clip.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=10)
        stream.height, stream.width, stream.pix_fmt = 48, 64, "yuv420p"
        for picture in np.random.default_rng(0).integers(0, 256, (60, 48, 64, 3), np.uint8):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, "rgb24")))
        container.mux(stream.encode())
    with start("clip.mp4", limit=SMALL) as process:
        _, err = process.communicate(timeout=120)
    assert process.returncode == 3, err
    assert "no space left on the disk while writing there/clip-depth.mp4;" in err
    assert list((tmp_path / "there").iterdir()) == []
