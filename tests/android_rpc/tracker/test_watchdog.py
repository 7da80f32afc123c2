"""Connections to a device that does not answer are cut, and no others."""

from __future__ import annotations

import gc
import os
import socket
import time
from collections.abc import Callable

import pytest

from android_rpc.tracker.watchdog import Watchdog


def test_the_watchdog_cuts_a_connection_that_waits() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
        gc.collect()  # what other tests left open is not counted
        descriptors = len(os.listdir("/proc/self/fd"))
        with (
            socket.create_connection((host, port)) as client,
            Watchdog(host, port, 0.2) as watchdog,
        ):
            started = time.monotonic()
            assert client.recv(1) == b""
            assert time.monotonic() - started > 0.1
            assert watchdog.expired
        assert len(os.listdir("/proc/self/fd")) == descriptors


def test_the_watchdog_spares_other_connections_and_is_called_off() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as one,
        socket.create_server(("127.0.0.1", 0)) as two,
        socket.create_connection(two.getsockname()) as client,
        two.accept()[0] as server,
    ):
        with Watchdog("127.0.0.1", one.getsockname()[1], 0.01) as watchdog:
            time.sleep(0.1)
        assert watchdog.expired
        with Watchdog("127.0.0.1", two.getsockname()[1], 30) as idle:
            pass
        assert not idle.expired
        server.sendall(b"x")
        assert client.recv(1) == b"x"


@pytest.mark.parametrize(
    "end",
    [
        lambda client, server: server.close(),
        lambda client, server: client.shutdown(socket.SHUT_RDWR),
        lambda client, server: client.close(),
    ],
    ids=["by the device", "by the watchdog", "by the client"],
)
def test_a_connection_that_was_closed_is_noticed(
    end: Callable[[socket.socket, socket.socket], None],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
        watchdog = Watchdog(host, port, 30)
        assert not watchdog.connected
        with socket.create_connection((host, port)) as client, listener.accept()[0] as server:
            assert watchdog.connected
            server.sendall(b"x")
            assert watchdog.connected
            assert client.recv(1) == b"x"
            end(client, server)
            assert not watchdog.connected
