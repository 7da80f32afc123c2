"""A board over ssh: Raspberry Pi, RK3588 and the like, with Linux and nothing of depthbench."""

from __future__ import annotations

from contextlib import ExitStack

from android_rpc.board.properties import read_properties
from android_rpc.devices.device import Device
from android_rpc.devices.kind import DeviceKind, Setup
from android_rpc.devices.native_device import NativeDevice
from android_rpc.ssh.address import FORM, parse_address
from android_rpc.ssh.ssh_host import SshHost
from android_rpc.telemetry.thermal import LIMITS_OF_BOARDS


def _open(specification: str, setup: Setup) -> Device:
    with ExitStack() as stack:
        host = SshHost(parse_address(specification))
        stack.callback(host.close)
        board = NativeDevice(
            host,
            read_properties(host),
            threads=setup.threads,
            cores=setup.cores,
            limits=LIMITS_OF_BOARDS,
            progress=setup.progress,
        )
        stack.pop_all()
    return board


KIND = DeviceKind(
    name="ssh",
    forms={FORM: "a board with arm64 Linux; a :PORT may follow"},
    open=_open,
    chooses_cores=True,
)
