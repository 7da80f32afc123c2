"""Depth of a picture: PYTHONPATH=PACKAGE/python python depth.py NAME IMAGE.ppm DEPTH.pfm

A program of one network writes `from NAME import DepthNetwork, Frame` instead.
"""

from __future__ import annotations

import importlib
import re
import sys
from pathlib import Path
from typing import Any


def main(name: str, image: str, target: str) -> None:
    """Writes the depth of the picture `image` to `target`, and prints that of its middle."""
    module = importlib.import_module(name)
    with module.DepthNetwork() as network:
        depth = memoryview(network.run_frame(read_ppm(module.Frame, Path(image))))
    port = module.depth_port()
    height, width = port.shape[-2:]
    write_pfm(Path(target), depth.cast("B"), width, height)
    middle = depth.cast("B").cast("f")[height // 2 * width + width // 2]
    print(f"in the middle: {middle:.3f} {port.unit}")


def read_ppm(frame: Any, file: Path) -> Any:
    """A binary PPM file as a frame of red, green, blue, alpha."""
    content = file.read_bytes()
    head = re.match(rb"P6\s+(\d+)\s+(\d+)\s+255\s", content)
    if head is None:
        sys.exit(f"{file} is no binary PPM")
    width, height = int(head[1]), int(head[2])
    rgb = content[head.end() : head.end() + 3 * width * height]
    rgba = bytearray(4 * width * height)
    for colour in range(3):
        rgba[colour::4] = rgb[colour::3]
    return frame.rgba(rgba, width=width, height=height)


def write_pfm(file: Path, floats: memoryview, width: int, height: int) -> None:
    """The bytes of floats as a PFM file, whose first row is the lowest."""
    length = 4 * width
    rows = [floats[y * length : (y + 1) * length] for y in reversed(range(height))]
    file.write_bytes(f"Pf\n{width} {height}\n-1\n".encode() + b"".join(rows))


if __name__ == "__main__":
    main(*sys.argv[1:])
