"""The client's side of the TVM RPC tracker's protocol.

The protocol is that of tvm/rpc/tracker.py: a magic number both ways, then messages of a 32-bit
little-endian length and as many bytes of JSON. TVM's own client waits for ever when no device is
free; this one has deadlines.
"""

from __future__ import annotations

import json
import select
import socket
import struct
import time
from collections.abc import Callable
from typing import Any

from depthbench.closing import Closing
from depthbench.errors import DeviceError

MAGIC = 0x2F271
SUCCESS, PING, REQUEST, SUMMARY = 0, 1, 4, 6
MAX_MESSAGE = 1 << 20
RETRY_S = 0.1
WAKE_S = 1.0


def encode_message(value: Any) -> bytes:
    """One message of the protocol: length, then JSON."""
    text = json.dumps(value).encode()
    return struct.pack("<i", len(text)) + text


class TrackerClient(Closing):
    """A connection to a tracker, for the duration of a `with` block.

    Waits up to `timeout_s` seconds for the tracker to come up. Raises DeviceError when nothing
    answers as a tracker at that address.
    """

    def __init__(self, host: str, port: int, timeout_s: float = 30.0) -> None:
        self._address = f"{host}:{port}"
        deadline = time.monotonic() + timeout_s
        self._socket = self._connect(host, port, deadline)
        try:
            self._socket.sendall(struct.pack("<i", MAGIC))
            if struct.unpack("<i", self._receive(4, deadline))[0] != MAGIC:
                raise DeviceError(f"{self._address}: not a TVM RPC tracker")
        except BaseException as error:
            self._socket.close()
            if isinstance(error, OSError):
                raise self._lost(error) from error
            raise

    def close(self) -> None:
        """Leaves the tracker; a request that still waits is withdrawn."""
        self._socket.close()

    def ping(self, timeout_s: float = 10.0) -> None:
        """DeviceError unless the tracker answers."""
        self._ask([PING], timeout_s)

    def summary(self, timeout_s: float = 10.0) -> dict[str, Any]:
        """Servers (`server_info`) and queues (`queue_info`: free, pending by key)."""
        return self._success(self._ask([SUMMARY], timeout_s))

    def serves(self, key: str) -> bool:
        """Whether a server with this key is registered now."""
        return any(server.get("key") == f"server:{key}" for server in self.summary()["server_info"])

    def servers(self, key: str) -> dict[tuple[str, int], dict[str, Any]]:
        """Address (host, port) of every server with this key, and what it says about itself."""
        found = {}
        for server in self.summary()["server_info"]:
            if server.get("key") == f"server:{key}" and server.get("addr"):
                host, port = server["addr"]
                about = server.get("about")
                found[str(host), int(port)] = about if isinstance(about, dict) else {}
        return found

    def request(
        self, key: str, timeout_s: float, while_waiting: Callable[[], None] = lambda: None
    ) -> tuple[str, int, str]:
        """Host, port and match key of a free device; TimeoutError when none became free.

        `while_waiting` is called every second; what it raises withdraws the request with the
        connection.
        """
        answer = self._ask([REQUEST, key, "", 1], timeout_s, while_waiting)
        host, port, match_key = self._success(answer)
        return str(host), int(port), str(match_key)

    def _connect(self, host: str, port: int, deadline: float) -> socket.socket:
        while True:
            left = deadline - time.monotonic()
            try:
                return socket.create_connection((host, port), timeout=max(left, RETRY_S))
            except ConnectionRefusedError as error:
                if left <= RETRY_S:
                    raise self._lost(error) from error
                time.sleep(RETRY_S)
            except OSError as error:
                raise self._lost(error) from error

    def _ask(
        self, request: Any, timeout_s: float, while_waiting: Callable[[], None] = lambda: None
    ) -> Any:
        deadline = time.monotonic() + timeout_s
        try:
            self._socket.settimeout(timeout_s)
            self._socket.sendall(encode_message(request))
            while not select.select([self._socket], [], [], min(WAKE_S, _left(deadline)))[0]:
                while_waiting()
                if not _left(deadline):
                    raise TimeoutError("timed out")
            length = struct.unpack("<i", self._receive(4, deadline))[0]
            if not 0 < length <= MAX_MESSAGE:
                raise DeviceError(f"{self._address}: the tracker sent {length} bytes at once")
            return json.loads(self._receive(length, deadline))
        except TimeoutError:
            if request[0] == REQUEST:
                raise
            raise DeviceError(
                f"{self._address}: no answer of the tracker in {timeout_s:g} s"
            ) from None
        except (OSError, ValueError) as error:
            if isinstance(error, DeviceError):
                raise
            raise self._lost(error) from error

    def _success(self, answer: Any) -> Any:
        if not isinstance(answer, list) or len(answer) != 2 or answer[0] != SUCCESS:
            raise DeviceError(f"{self._address}: the tracker refused the request")
        return answer[1]

    def _receive(self, count: int, deadline: float) -> bytes:
        received = bytearray()
        while len(received) < count:
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError("timed out")
            self._socket.settimeout(left)
            chunk = self._socket.recv(count - len(received))
            if not chunk:
                raise ConnectionError("connection closed")
            received += chunk
        return bytes(received)

    def _lost(self, error: Exception) -> DeviceError:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return DeviceError(f"{self._address}: no RPC tracker answers ({reason})")


def _left(deadline: float) -> float:
    return max(0.0, deadline - time.monotonic())
