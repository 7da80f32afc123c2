"""A browser's part: tornado's WebSocket, plain HTTP, and bytes as they come."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from numpy.typing import NDArray
from tornado.httpclient import HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from android_rpc.demo.running_demo import RunningDemo

WAIT_S = 20.0
MAP_HEAD = struct.Struct("<IIHHff")


@dataclass(frozen=True)
class Map:
    number: int
    width: int
    height: int
    forward_ms: float
    frame_ms: float
    values: tuple[float, ...]


def frame(
    number: int,
    width: int = 8,
    height: int = 6,
    rotation: int = 0,
    first: int = 7,
    pixels: NDArray[np.uint8] | None = None,
) -> bytes:
    """A frame of `pixels` (height x width x 4), else of zeros but the first byte."""
    if pixels is not None:
        height, width, _ = pixels.shape
    content = bytes([first]) + bytes(width * height * 4 - 1) if pixels is None else pixels.tobytes()
    return struct.pack("<4sIHHHH", b"DFRM", number, width, height, rotation, 0) + content


def read_map(message: bytes) -> Map:
    magic, *head = MAP_HEAD.unpack_from(message)
    assert magic == int.from_bytes(b"DMAP", "little")
    number, width, height, forward_ms, frame_ms = head
    values = struct.unpack(f"<{width * height}f", message[MAP_HEAD.size :])
    return Map(number, width, height, forward_ms, frame_ms, values)


def parts_of(url: str) -> tuple[int, str]:
    """The port, and the path with the token."""
    parts = urlsplit(url)
    assert parts.port is not None
    return parts.port, parts.path


def ask(
    url: str, name: str, method: str = "GET", body: bytes | None = None, **fields: str
) -> tuple[int, Mapping[str, str], bytes]:
    """Status, fields and body of the answer; `fields` such as Host replace the usual ones."""
    port, path = parts_of(url)
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=WAIT_S)
    usual = {"Host": f"localhost:{port}"}
    if method != "GET":
        usual["Origin"] = f"http://localhost:{port}"
    try:
        connection.request(method, path + name, body, usual | fields)
        answer = connection.getresponse()
        return answer.status, dict(answer.headers), answer.read()
    finally:
        connection.close()


class Browser:
    """A WebSocket to the server."""

    def __init__(self, socket: WebSocketClientConnection) -> None:
        self.socket = socket

    async def tell(self, kind: str, **values: Any) -> None:
        await self.socket.write_message(json.dumps({"type": kind, **values}))

    async def show(self, message: bytes) -> None:
        await self.socket.write_message(message, binary=True)

    async def hear(self) -> dict[str, Any] | Map | None:
        """The next message; None where the server has closed."""
        message = await asyncio.wait_for(self.socket.read_message(), WAIT_S)
        if message is None:
            return None
        return read_map(message) if isinstance(message, bytes) else dict(json.loads(message))

    async def hear_of(self, kind: str) -> dict[str, Any]:
        """The next message of a type; those before it are passed over."""
        while True:
            message = await self.hear()
            assert message is not None, f"closed before {kind}"
            if isinstance(message, dict) and message["type"] == kind:
                return message

    async def load(self, package: str, **values: Any) -> dict[str, Any]:
        await self.tell("load", package=package, **values)
        return await self.hear_of("loaded")


async def open_browser(url: str, **fields: str) -> Browser:
    port, path = parts_of(url)
    usual = {"Origin": f"http://localhost:{port}"}
    request = HTTPRequest(f"ws://localhost:{port}{path}live", headers=usual | fields)
    return Browser(await asyncio.wait_for(websocket_connect(request), WAIT_S))


def browse(url: str, visit: Callable[[Browser], Awaitable[None]]) -> None:
    """A visit of one browser, which then closes; other visits can follow at once."""

    async def run() -> None:
        browser = await open_browser(url)
        try:
            await visit(browser)
        finally:
            browser.socket.close()
            while await browser.hear() is not None:
                continue

    asyncio.run(run())


class RawSocket:
    """A WebSocket whose frames are written by hand."""

    def __init__(self, url: str) -> None:
        port, path = parts_of(url)
        self.connection = socket.create_connection(("127.0.0.1", port), WAIT_S)
        self._received = b""
        self.send(
            f"GET {path}live HTTP/1.1\r\nHost: localhost:{port}\r\n"
            f"Origin: http://localhost:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )
        while b"\r\n\r\n" not in self._received:
            self._receive()
        self.head, _, self._received = self._received.partition(b"\r\n\r\n")

    def send(self, what: str | bytes) -> None:
        self.connection.sendall(what.encode() if isinstance(what, str) else what)

    def read_frame(self) -> tuple[int, bytes]:
        """The next frame's first byte and payload."""
        while len(self._received) < 2 or len(self._received) < 2 + self._received[1]:
            assert len(self._received) < 2 or self._received[1] < 126
            self._receive()
        size = self._received[1]
        first, payload = self._received[0], self._received[2 : 2 + size]
        self._received = self._received[2 + size :]
        return first, payload

    def _receive(self) -> None:
        received = self.connection.recv(4096)
        assert received, "the server hung up"
        self._received += received

    def __enter__(self) -> RawSocket:
        return self

    def __exit__(self, *_: object) -> None:
        self.connection.close()


def masked(opcode: int, payload: bytes, *, last: bool = True, reserved: int = 0) -> bytes:
    """A frame as a client sends it (RFC 6455, 5.2)."""
    mask = os.urandom(4)
    size = len(payload)
    head = bytes([last << 7 | reserved << 4 | opcode])
    if size < 126:
        head += bytes([128 | size])
    elif size < 1 << 16:
        head += bytes([128 | 126]) + size.to_bytes(2, "big")
    else:
        head += bytes([128 | 127]) + size.to_bytes(8, "big")
    return head + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


def next_event(demo: RunningDemo, name: str) -> dict[str, Any]:
    while (event := demo.next_event(20)) is not None:
        if event["event"] == name:
            return event
    raise AssertionError(f"no event {name}")
