"""Compile a network and time it on a device.

python examples/measure_on_phone.py [NETWORK] [--device emulated | adb | adb:SERIAL]
"""

from __future__ import annotations

import argparse

import depthbench


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("network", nargs="?", default="mobiledepth")
    parser.add_argument("--device", help="by default the phone on the cable, else emulated")
    given = parser.parse_args()

    artefact = depthbench.compile(given.network, "arm64-a76", progress=print)
    record = depthbench.measure(artefact, given.device, quick=True, progress=print)
    print(f"{record['model']} on {record['device']['name']}")
    print(f"{record['label']}: median {record['p50_ms']:.1f} ms of {record['count']} samples")
    print("valid" if record["valid"] else f"invalid: {'; '.join(record['reasons'])}")
    depthbench.report(output="out/report.html")


if __name__ == "__main__":
    main()
