"""Objects over a socket between two processes of ours, whole or not at all."""

from __future__ import annotations

import pickle
import socket
import struct
from typing import Any

_LENGTH = struct.Struct("!Q")


def send(channel: socket.socket, value: Any) -> None:
    """Send an object; raises OSError (TimeoutError when the socket's time is up)."""
    content = pickle.dumps(value)
    channel.sendall(_LENGTH.pack(len(content)) + content)


def receive(channel: socket.socket) -> Any:
    """The next object; raises EOFError when the other end has gone, and what `send` raises."""
    (length,) = _LENGTH.unpack(_exactly(channel, _LENGTH.size))
    return pickle.loads(_exactly(channel, length))


def _exactly(channel: socket.socket, length: int) -> bytearray:
    content = bytearray(length)
    view = memoryview(content)
    while view:
        count = channel.recv_into(view)
        if not count:
            raise EOFError
        view = view[count:]
    return content
