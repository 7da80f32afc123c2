"""`depthbench rpc-tracker`: a TVM RPC tracker on loopback, until Ctrl-C."""

from __future__ import annotations

import threading

import click

from bench.cli.options import json_option
from bench.cli.output import emit, warn


@click.command(name="rpc-tracker")
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", type=click.IntRange(0, 65535), default=9190, show_default=True)
@json_option
def command(host: str, port: int, as_json: bool) -> None:
    """Run a TVM RPC tracker, where devices and clients meet.

    It runs until Ctrl-C.

    TVM RPC executes code for whoever can connect: keep it on loopback.
    """
    from android_rpc.tracker.tracker import Tracker

    if host not in ("127.0.0.1", "localhost"):
        warn(f"whoever reaches {host}:{port} can execute code")
    with Tracker(port=port, host=host) as tracker:
        address = {"host": tracker.host, "port": tracker.port}
        emit(address, as_json, f"tracker listens on {tracker.host}:{tracker.port}; Ctrl-C ends it")
        threading.Event().wait()
