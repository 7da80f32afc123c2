"""The forward time in the demo beside that of the same code through TVM, in turns, on one core.

python benchmarks/demo_forward_time.py [--models NAME ...] [--rounds N] [--json]
"""

from __future__ import annotations

import asyncio
import json
import os
import struct
import time
from pathlib import Path
from statistics import median
from typing import Any
from urllib.parse import urlsplit

import click
import numpy as np
from numpy.typing import NDArray
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from android_rpc.demo.running_demo import RunningDemo
from android_rpc.demo.start_demo import HOST, start_demo
from bench import cli
from bench.compile_service import compile_for
from bench.models import resolve_model
from bench.package_service import package_for
from compile.runtime.executable import HostModel
from depthnet.card.image_input import to_input

MODELS = ("mobiledepth",)
# Long enough that each has its caches, short enough that both see the same load of others.
BLOCK = 5
WAYS = {
    "frames": "frames in the demo",
    "benchmark": "the demo's benchmark",
    "tvm": "the artefact through TVM",
}
FRAME, MAP = struct.Struct("<IIHHHH"), struct.Struct("<IIHHff")
MAGIC = 0x4D524644


@click.command()
@click.option("--models", multiple=True, default=MODELS, show_default=True)
@click.option("--rounds", type=click.IntRange(min=3), default=60, show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=Path("out"), show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(models: tuple[str, ...], rounds: int, out: Path, as_json: bool) -> None:
    """Send frames to the demo's server here, as its page does, and run the artefact in turns."""
    core = max(os.sched_getaffinity(0))
    paths = {name: resolve_model(name, out).path for name in models}
    results = {name: measure(str(path), rounds, core, out) for name, path in paths.items()}
    if as_json:
        click.echo(json.dumps({"core": core, "block": BLOCK, "models": results}, indent=2))
        return
    for name, found in results.items():
        click.echo(f"{name}, core {core} of this machine, one thread, {found['count']} of each:")
        for way, ms in found["median_ms"].items():
            click.echo(
                f"  {WAYS[way]}: median {ms:.3f} ms, {found['ratio'][way]:.3f} of TVM's; first "
                f"decile {found['ratio_of_deciles'][way]:.3f} of TVM's"
            )


def measure(model: str, rounds: int, core: int, out: Path) -> dict[str, Any]:
    """Medians in milliseconds, their ratios to TVM's, and those of what others disturb least."""
    artefact, package = compile_for(model, "host", out), package_for(model, "host", out)
    machine = HostModel(artefact)
    (port,) = artefact.manifest["inputs"]
    height, width = port["shape"][2:]
    image = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
    inputs = {port["name"]: to_input(image, (height, width))}
    allowed = os.sched_getaffinity(0)
    samples: dict[str, list[float]] = {way: [] for way in WAYS}

    async def take_turns(demo: RunningDemo) -> None:
        live = await load(demo, package.manifest["library"], core)
        for number in range(rounds + 1):
            seen = {
                "frames": await frames(live, image, BLOCK),
                "benchmark": await benchmark(live, BLOCK),
            }
            os.sched_setaffinity(0, {core})
            seen["tvm"] = [run(machine, inputs) for _ in range(BLOCK)]
            os.sched_setaffinity(0, allowed)
            for way, times in seen.items() if number else ():  # the first warms up
                samples[way].extend(times)
        live.close()

    with start_demo(HOST, [package.library]) as demo:
        asyncio.run(take_turns(demo))
    medians = {way: median(times) for way, times in samples.items()}
    deciles = {way: float(np.percentile(times, 10)) for way, times in samples.items()}
    return {
        "count": len(samples["tvm"]),
        "median_ms": medians,
        "ratio": {way: ms / medians["tvm"] for way, ms in medians.items()},
        "ratio_of_deciles": {way: ms / deciles["tvm"] for way, ms in deciles.items()},
    }


async def load(demo: RunningDemo, library: str, core: int) -> WebSocketClientConnection:
    """The page's connection, with the network loaded for one thread on `core`."""
    page = urlsplit(demo.url)
    request = HTTPRequest(
        page._replace(scheme="ws", path=f"{page.path}live").geturl(),
        headers={"Origin": f"{page.scheme}://{page.netloc}"},
    )
    live = await websocket_connect(request)
    order = {"type": "load", "package": library, "threads": 1, "cpus": [core]}
    await live.write_message(json.dumps(order))
    while True:
        said = await live.read_message()
        answer = json.loads(said or '{"type": "error", "message": "the server left"}')
        if answer["type"] == "error":
            raise click.ClickException(answer["message"])
        if answer["type"] == "loaded":
            return live


async def frames(
    live: WebSocketClientConnection, image: NDArray[np.uint8], count: int
) -> list[float]:
    """The network's milliseconds for frames, of which one waits while one is computed."""
    height, width, _ = image.shape
    pixels = np.dstack([image, np.full((height, width), 255, np.uint8)]).tobytes()
    times: list[float] = []
    sent = answered = 0
    while len(times) < count:
        while sent - answered < 2:
            sent += 1
            head = FRAME.pack(MAGIC, sent, width, height, 0, 0)
            await live.write_message(head + pixels, binary=True)
        said = await live.read_message()
        if isinstance(said, bytes):
            _, answered, _, _, forward_ms, _ = MAP.unpack_from(said)
            times.append(forward_ms)
    while answered < sent:
        said = await live.read_message()
        if isinstance(said, bytes):
            answered = MAP.unpack_from(said)[1]
    return times


async def benchmark(live: WebSocketClientConnection, runs: int) -> list[float]:
    """The milliseconds of forwards of zeros, one right after the other."""
    await live.write_message(json.dumps({"type": "benchmark", "warm_up": 1, "runs": runs}))
    while True:
        said = await live.read_message()
        if isinstance(said, str) and (answer := json.loads(said))["type"] == "benchmark":
            return [float(ms) for ms in answer["milliseconds"]]


def run(machine: HostModel, inputs: dict[str, NDArray[Any]]) -> float:
    """The milliseconds of one inference."""
    begin = time.perf_counter()
    machine.run(inputs)
    return (time.perf_counter() - begin) * 1e3


if __name__ == "__main__":
    cli.main(command=main)
