"""Waits until a server that was started is registered with its tracker."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from typing import Any

from android_rpc.tracker.tracker import AnyTracker
from depthbench.errors import DeviceError
from depthbench.processes import ChildProcess

START_S = 60.0
CHECK_S = 0.05


def describe(about: Mapping[str, Any]) -> tuple[str, str]:
    """What a server says of its device to the tracker, as JSON, and by which it is told apart.

    Many devices may have one key.
    """
    identity = secrets.token_hex(8)
    return json.dumps({**about, "id": identity}), identity


def wait_until_registered(
    tracker: AnyTracker, server: ChildProcess, key: str, identity: str, name: str
) -> None:
    """Returns when `tracker` lists the server with this key and identity.

    Raises DeviceError when the server ends, or is not listed within a minute.
    """
    deadline = time.monotonic() + START_S
    with tracker.client(START_S) as client:
        while all(about.get("id") != identity for about in client.servers(key).values()):
            if not server.running:
                raise DeviceError(f"{name}: the server ended, {server.why_ended()}")
            if time.monotonic() > deadline:
                raise DeviceError(f"{name}: the server did not register in {START_S:g} s")
            time.sleep(CHECK_S)
