"""A photo in, a depth map out.

python examples/depth_of_photo.py PHOTO [--model NAME] [--output depth.png]

The image is 16-bit grey in millimetres, as depth cameras write it; 65 m is the farthest.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

import depthbench


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo", type=Path)
    parser.add_argument("--model", default="efficientnet_l2_cat")
    parser.add_argument("--output", type=Path, default=Path("depth.png"))
    given = parser.parse_args()

    photo = np.asarray(Image.open(given.photo).convert("RGB"))
    depth = depthbench.predict(photo, given.model, flip=True)
    millimetres = np.clip(depth * 1000, 0, np.iinfo(np.uint16).max).astype(np.uint16)
    Image.fromarray(millimetres).save(given.output)
    print(f"{given.output}: {depth.min():.2f} to {depth.max():.2f} m")


if __name__ == "__main__":
    main()
