"""`depthbench rpc-serve`: a device of this machine at a tracker that others use, until Ctrl-C."""

from __future__ import annotations

import click

from bench.cli.options import (
    DeviceCommand,
    cores_option,
    default_device,
    device_option,
    json_option,
    threads_option,
)
from bench.cli.output import emit, note, warn
from bench.cli.progress import status
from depthbench.errors import InputError

LOOPBACK = "127.0.0.1"


@click.command(name="rpc-serve", cls=DeviceCommand)
@click.option("--tracker", default=f"{LOOPBACK}:9190", show_default=True, metavar="HOST:PORT")
@click.option("--key", help="What clients ask for.  [default: arm64-a76, emulated: emulated-a76]")
@click.option("--name", help="What records call the device.  [default: as --device, emulated: new]")
@device_option
@cores_option
@threads_option
@click.option(
    "--listen",
    default=LOOPBACK,
    show_default=True,
    help="This machine's address at which clients on other machines reach the device.",
)
@json_option
def command(
    tracker: str,
    key: str | None,
    name: str | None,
    device: str | None,
    cores: str | None,
    threads: int,
    listen: str,
    as_json: bool,
) -> None:
    """Serve a phone, a board, or an emulated phone at a tracker until Ctrl-C.

    Many machines may serve devices at one tracker under one key; `depthbench rpc-measure --device
    tracker:HOST:PORT/KEY` uses them all. One that was unplugged is served again.

    TVM RPC executes code for whoever can connect: keep it on loopback, or in a network of your own.
    """
    from android_rpc.devices.factory import open_device
    from android_rpc.devices.keep_registered import keep_registered
    from android_rpc.telemetry.topology import parse_core_list
    from android_rpc.tracker.tracker import TrackerElsewhere
    from android_rpc.tracker.tracker_address import parse_tracker

    host, port, key = parse_tracker(tracker, key)
    if listen == "0.0.0.0":
        raise InputError(
            "--listen 0.0.0.0 is no address to connect to", advice="give that which clients reach"
        )
    if listen != LOOPBACK:
        warn(f"whoever reaches {listen} can execute code on the device")
    with status() as progress:
        place = device or default_device()
        served = open_device(place, threads, progress, parse_core_list(cores) if cores else None)
        served.key = key or ("emulated-a76" if served.emulated else "arm64-a76")
        if served.emulated and not served.key.startswith("emulated"):
            raise InputError(
                f"--key {key} is for devices whose times are latencies",
                advice="begin the key of an emulated one with emulated",
            )
        served.name = name or served.shared_name
        served.listen = listen
        document = {
            "device": served.name,
            "emulated": served.emulated,
            "key": served.key,
            "use": f"tracker:{host}:{port}/{served.key}",
        }
        keep_registered(
            served,
            TrackerElsewhere(host, port),
            lambda: emit(
                document, as_json, f"{served.name} is at {document['use']}; Ctrl-C ends it"
            ),
            lambda line: note(f"{line}; waiting for it"),
        )
