"""What a camera's frame costs before the network: `depth_run_frame` beside Pillow and OpenCV.

The conversions take turns on one thread of this machine. Pillow's is that of the Python path, whose
tensor the library's equals; OpenCV's resizes by areas, which is close to it but another result.

python benchmarks/frame_conversion.py [--rounds N] [--json]
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

import click
import numpy as np

from bench import cli
from bench.measure.timing import time_once
from bench.package_service import package_for

if TYPE_CHECKING:
    from compile.package.loaded_library import Frame, LoadedNetwork

MODEL = "mobiledepth"
SIZE = (224, 224)
FRAMES = ((640, 480), (1280, 720), (1920, 1080))
ROTATIONS = (0, 90)
RGBA, NV21 = 1, 2
ROUNDS = 25


@click.command()
@click.option("--rounds", type=click.IntRange(min=1), default=ROUNDS, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(rounds: int, as_json: bool) -> None:
    """Time the conversions of frames of three sizes, upright and turned."""
    from compile.package.loaded_library import LoadedNetwork

    with tempfile.TemporaryDirectory() as folder:
        package = package_for(MODEL, "host", Path(folder))
        with LoadedNetwork(package.library) as network:
            rows = [
                {"width": width, "height": height, "rotation": rotation, **figures}
                for width, height in FRAMES
                for rotation in ROTATIONS
                for figures in [measure(network, (width, height), rotation, rounds)]
            ]
    if as_json:
        print(json.dumps({"target": "host", "model": MODEL, "frames": rows}))
        return
    print(f"{'frame':>9} turned  rgba  nv21  pillow  opencv of rgba, of nv21  network [ms]")
    for row in rows:
        print(
            f"{row['width']:>4}x{row['height']:<4} {row['rotation']:>6} {row['rgba_ms']:>5.2f} "
            f"{row['nv21_ms']:>5.2f} {row['pillow_rgba_ms']:>7.2f} {row['opencv_rgba_ms']:>14.2f} "
            f"{row['opencv_nv21_ms']:>8.2f} {row['network_ms']:>8.2f}"
        )


def measure(
    network: LoadedNetwork, size: tuple[int, int], rotation: int, rounds: int
) -> dict[str, Any]:
    """Medians in milliseconds, of as many rounds in which each takes its turn."""
    width, height = size
    rng = np.random.default_rng(0)
    rgba = rng.integers(0, 256, (height, width, 4), dtype=np.uint8)
    nv21 = rng.integers(0, 256, (height * 3 // 2, width), dtype=np.uint8)
    others = _others(rgba, nv21, rotation)
    frames = {
        "rgba": _frame(RGBA, size, rotation, rgba),
        "nv21": _frame(NV21, size, rotation, nv21),
    }
    depth = np.zeros(SIZE, np.float32)
    times: dict[str, list[float]] = {}
    for _ in range(rounds):
        for name, frame in frames.items():
            conversion, forward = network.run_frame(frame, depth)
            times.setdefault(name, []).append(conversion)
            times.setdefault("network", []).append(forward)
        for name, convert in others.items():
            times.setdefault(name, []).append(time_once(convert).wall_ms)
    return {f"{name}_ms": median(mine) for name, mine in times.items()}


def _frame(kind: int, size: tuple[int, int], rotation: int, content: np.ndarray) -> Frame:
    from compile.package.loaded_library import Frame, Plane

    width, height = size
    start, first = content.ctypes.data, width * height
    if kind == RGBA:
        planes = [Plane(start, content.nbytes, 4 * width, 4)]
    else:
        planes = [Plane(start, first, width, 1), Plane(start + first, first // 2, width, 2)]
    return Frame(kind, width, height, rotation, (Plane * 3)(*planes))


def _others(
    rgba: np.ndarray, nv21: np.ndarray, rotation: int
) -> dict[str, Callable[[], np.ndarray]]:
    import cv2

    from depthnet.card.image_input import to_input

    cv2.setNumThreads(1)

    def pillow() -> np.ndarray:
        return to_input(np.rot90(rgba[..., :3], k=-rotation // 90), SIZE)

    def opencv(picture: np.ndarray, code: int) -> np.ndarray:
        picture = cv2.cvtColor(picture, code)
        if rotation:
            picture = cv2.rotate(picture, cv2.ROTATE_90_CLOCKWISE)
        small = cv2.resize(picture, SIZE, interpolation=cv2.INTER_AREA)
        return np.ascontiguousarray(small.transpose(2, 0, 1)[None], np.float32) / 255

    return {
        "pillow_rgba": pillow,
        "opencv_rgba": lambda: opencv(rgba, cv2.COLOR_RGBA2RGB),
        "opencv_nv21": lambda: opencv(nv21, cv2.COLOR_YUV2RGB_NV21),
    }


if __name__ == "__main__":
    cli.main(command=main)
