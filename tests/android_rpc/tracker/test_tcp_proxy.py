"""Connections carried from one of this machine's addresses to another."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator

import pytest

from android_rpc.tracker.tcp_proxy import open_proxy
from depthbench.errors import InputError

NEAR = "127.0.0.2"
SIZE = 1 << 20


@pytest.fixture
def echo() -> Iterator[tuple[str, int]]:
    """A server that sends back what it gets, to one client after the other."""

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            with connection:
                while block := connection.recv(1 << 16):
                    connection.sendall(block)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve)
        thread.start()
        yield listener.getsockname()
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(10)


def receive(connection: socket.socket, count: int) -> bytes:
    data = bytearray()
    while len(data) < count and (block := connection.recv(1 << 16)):
        data += block
    return bytes(data)


def test_bytes_arrive_as_they_are_both_ways(echo: tuple[str, int]) -> None:
    sent = bytes(range(256)) * (SIZE // 256)
    with open_proxy(NEAR, echo) as port:
        for _ in range(2):
            with socket.create_connection((NEAR, port), timeout=30) as client:
                sending = threading.Thread(target=client.sendall, args=(sent,))
                sending.start()
                assert receive(client, SIZE) == sent
                sending.join()


def test_its_end_ends_the_connections(echo: tuple[str, int]) -> None:
    with open_proxy(NEAR, echo) as port:
        client = socket.create_connection((NEAR, port), timeout=30)
        client.sendall(b"x")
        assert client.recv(1) == b"x"
    with client:
        assert client.recv(1) == b""
    with pytest.raises(OSError, match="refused"):
        socket.create_connection((NEAR, port), timeout=30)


def test_nobody_behind_it_is_a_closed_connection() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        target = listener.getsockname()
    with (
        open_proxy(NEAR, target) as port,
        socket.create_connection((NEAR, port), timeout=30) as client,
    ):
        assert client.recv(1) == b""


def test_the_same_address_needs_none() -> None:
    with open_proxy("127.0.0.1", ("127.0.0.1", 4711)) as port:
        assert port == 4711


def test_an_address_of_another_machine() -> None:
    with pytest.raises(InputError, match=r"^203\.0\.113\.1: cannot listen there"):
        open_proxy("203.0.113.1", ("127.0.0.1", 1)).__enter__()
