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

PROGRAM = """
import sys
from bench.cli import main
from bench.prediction import camera
camera.place_of = lambda number: ("testsrc=size=64x48:rate=30,realtime", "lavfi")
main(sys.argv[1:])
"""
"""The command line, with FFmpeg's test picture as its camera."""

SMALL = 20_000
"""Bytes that fit on the disk."""


@pytest.fixture
def start(model: Path, tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Starts a prediction by the tiny model into the folder `there`."""

    def call(source: str, *, limit: int | None = None) -> subprocess.Popen[str]:
        def fill_disk() -> None:
            if limit:
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

        command = ["predict", source, "--model", str(model), "--meaning", "metres"]
        return subprocess.Popen(
            [sys.executable, "-c", PROGRAM, *command, "--output", "there"],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).resolve().parents[2])},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=fill_disk,
        )

    return call


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_camera_ends_by_ctrl_c_and_its_recording_plays(
    start: Callable[..., subprocess.Popen[str]],
    wait_until: Callable[[Callable[[], object], float], float],
    tmp_path: Path,
    number: signal.Signals,
) -> None:
    with start("camera:0") as process:
        part = tmp_path / "there" / "camera-0-depth.mp4.part"
        wait_until(part.exists, 60)
        process.send_signal(number)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "there/camera-0-depth.mp4" in out
    assert err.splitlines()[-1] == "depthbench: interrupted"
    names = sorted(path.name for path in (tmp_path / "there").iterdir())
    assert names == ["camera-0-depth.mp4", "predictions.jsonl"]
    capture = cv2.VideoCapture(str(tmp_path / "there" / "camera-0-depth.mp4"))
    assert capture.read()[0]


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
