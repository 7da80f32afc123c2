"""Forwards TCP connections from one address to another.

A cable ends at this machine's loopback interface. Where the tracker or the clients are on other
machines, connections are carried on from here.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Iterator

from depthbench.errors import InputError

BLOCK = 1 << 16


@contextlib.contextmanager
def open_proxy(listen: str, target: tuple[str, int]) -> Iterator[int]:
    """A port of this machine's address `listen` that leads to `target`, for a block.

    Where `target` has that address itself, its own port. Raises InputError where the address is
    not of this machine.
    """
    if listen == target[0]:
        yield target[1]
        return
    try:
        listener = socket.create_server((listen, 0))
    except OSError as error:
        raise InputError(f"{listen}: cannot listen there ({error.strerror})") from error
    with listener, contextlib.ExitStack() as connections:
        threading.Thread(target=_accept, args=(listener, target, connections), daemon=True).start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            listener.shutdown(socket.SHUT_RDWR)  # `accept` returns


def _accept(
    listener: socket.socket, target: tuple[str, int], connections: contextlib.ExitStack
) -> None:
    while True:
        try:
            near, _ = listener.accept()
        except OSError:
            return
        try:
            far = socket.create_connection(target)
        except OSError:
            near.close()
            continue
        for one, other in ((near, far), (far, near)):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connections.callback(_shut, one)
            threading.Thread(target=_copy, args=(one, other), daemon=True).start()


def _copy(source: socket.socket, sink: socket.socket) -> None:
    try:
        while block := source.recv(BLOCK):
            sink.sendall(block)
    except OSError:
        pass
    finally:
        # Half a connection is of no use to these protocols.
        _shut(source)
        _shut(sink)


def _shut(connection: socket.socket) -> None:
    with contextlib.suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
