"""A photo in, a depth map out.

python examples/depth_of_photo.py PHOTO [--model NAME] [--output depth.png]

The image is 16-bit grey in millimetres, as depth cameras write it; 0 is beyond 65 m. Colours,
point clouds and videos are made by `depthbench predict`.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import depthbench
from bench.prediction.encoding import as_millimetres, as_png
from depthnet.data.photo import read_photo


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("photo", type=Path)
    parser.add_argument("--model", default="efficientnet_l2_cat")
    parser.add_argument("--output", type=Path, default=Path("depth.png"))
    given = parser.parse_args()

    photo = read_photo(given.photo)
    depth = depthbench.predict(photo.image, given.model, flip=True)
    millimetres, _ = as_millimetres(depth)
    given.output.write_bytes(as_png(millimetres))
    print(f"{given.output}: {depth.min():.2f} to {depth.max():.2f} m")


if __name__ == "__main__":
    main()
