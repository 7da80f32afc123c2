"""Several networks scored on the same images, as one table.

python examples/score_networks.py NETWORK ... [--data rooms] [--protocol eigen] [--images 20]
"""

from __future__ import annotations

import argparse

import depthbench


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("networks", nargs="+")
    parser.add_argument("--data", default="rooms")
    parser.add_argument("--protocol", default="eigen")
    parser.add_argument("--images", type=int, default=20)
    given = parser.parse_args()

    scored = [
        depthbench.evaluate(name, given.data, protocol=given.protocol, limit=given.images)["id"]
        for name in given.networks
    ]
    frame = depthbench.read_records().loc[scored].set_index("model")
    print(f"{given.data}, first {given.images} test images, protocol {given.protocol}")
    print(frame[["rmse", "rel", "delta1"]].round(3).rename_axis(None).to_string())


if __name__ == "__main__":
    main()
