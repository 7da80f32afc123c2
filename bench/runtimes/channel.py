"""Objects between two processes of ours, whole or not at all."""

from __future__ import annotations

import pickle
import socket
import struct
from collections.abc import Callable
from typing import Any

_LENGTH = struct.Struct("!Q")
_PART = 1 << 20
BEGIN = b"\0\1 depthbench begins \1\0"
_GREETING = 1 << 16


def send(channel: socket.socket, value: Any) -> None:
    """Send an object; raises OSError (TimeoutError when the socket's time is up)."""
    send_bytes(channel.sendall, pickle.dumps(value))


def receive(channel: socket.socket) -> Any:
    """The next object; raises EOFError when the other end has gone, and what `send` raises."""
    return pickle.loads(receive_bytes(channel.recv))


def send_bytes(write: Callable[[bytes], object], content: bytes) -> None:
    """Send bytes by a function that writes all it is given."""
    write(_LENGTH.pack(len(content)) + content)


def receive_bytes(read: Callable[[int], bytes]) -> bytearray:
    """What was sent next, by a function that reads at most so many bytes; raises EOFError."""
    (length,) = _LENGTH.unpack(_exactly(read, _LENGTH.size))
    return _exactly(read, length)


def skip_greeting(read: Callable[[int], bytes]) -> None:
    """Pass over what a login shell prints before the other end says `BEGIN`; raises EOFError."""
    seen = b""
    while not seen.endswith(BEGIN):
        part = read(1)
        if not part or len(seen) > _GREETING:
            raise EOFError
        seen += part


def _exactly(read: Callable[[int], bytes], length: int) -> bytearray:
    content = bytearray()
    while len(content) < length:
        part = read(min(length - len(content), _PART))
        if not part:
            raise EOFError
        content += part
    return content
