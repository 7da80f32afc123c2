"""The phone's end of adb's wire protocol: messages, and streams that run over one connection.

A message is six little-endian words (command, two arguments, length, checksum, complement of the
command) and as many bytes. Either side opens streams; every piece of data must be acknowledged
before the next one is sent. (AOSP, packages/modules/adb, protocol.txt.)
"""

from __future__ import annotations

import contextlib
import itertools
import os
import queue
import socket
import struct
import threading
from pathlib import Path

import services

CNXN, AUTH, OPEN, OKAY, CLSE, WRTE = (
    int.from_bytes(name, "little")
    for name in (b"CNXN", b"AUTH", b"OPEN", b"OKAY", b"CLSE", b"WRTE")
)
VERSION, MAX_DATA = 0x01000001, 256 * 1024
TOKEN, TOKEN_BYTES = 1, 20
FEATURES = "shell_v2,cmd,stat_v2,fixed_push_mkdir"
HEADER = struct.Struct("<6I")


class Adbd:
    """Serves all who connect, until the cable is pulled."""

    def __init__(self, root: Path, properties: dict[str, str], authorised: bool = True) -> None:
        self.root = root
        self.authorised = authorised
        shown = ("ro.product.name", "ro.product.model", "ro.product.device")
        words = [f"{name}={properties[name]}" for name in shown] + [f"features={FEATURES}"]
        self.banner = f"device::{';'.join(words)}".encode()
        self._plugged = False
        self._bytes_left: int | None = None
        self._connections: set[Connection] = set()

    def start(self, listener: socket.socket) -> None:
        """Accepts connections from now on."""
        self._plugged = True
        threading.Thread(target=self._accept, args=[listener], daemon=True).start()

    def plug(self) -> None:
        self._plugged = True

    def unplug(self, after_bytes: int = 0) -> None:
        """Cuts all connections, when so much more has come; new ones are cut at once."""
        if after_bytes:
            self._bytes_left = after_bytes
            return
        self._plugged = False
        for connection in list(self._connections):
            connection.close()

    def count(self, received: int) -> None:
        """Pulls the cable when it is time."""
        if self._bytes_left is not None:
            self._bytes_left -= received
            if self._bytes_left <= 0:
                self._bytes_left = None
                self.unplug()

    def _accept(self, listener: socket.socket) -> None:
        while True:
            cable, _ = listener.accept()
            if not self._plugged:
                cable.close()
                continue
            connection = Connection(self, cable)
            self._connections.add(connection)
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection: Connection) -> None:
        with contextlib.suppress(OSError):
            connection.serve()
        self._connections.discard(connection)
        connection.close()


class Connection:
    """One cable: its streams, and the rules of `adb reverse`, which end with it."""

    def __init__(self, adbd: Adbd, cable: socket.socket) -> None:
        self.root = adbd.root
        self.reversed: dict[int, tuple[socket.socket, str]] = {}
        self._adbd = adbd
        self._cable = cable
        self._sending = threading.Lock()
        self._streams: dict[int, Stream] = {}
        self._numbers = itertools.count(1)

    def serve(self) -> None:
        """Handles messages until the other side leaves."""
        while header := self._receive(HEADER.size):
            command, first, second, length, _, complement = HEADER.unpack(header)
            if complement != command ^ 0xFFFFFFFF or length > MAX_DATA:
                return
            data = self._receive(length)
            self._adbd.count(length)
            if command in (CNXN, AUTH):
                self._greet()
            elif command == OPEN:
                service = data.rstrip(b"\0").decode()
                stream = self._add_stream(peer=first)
                threading.Thread(target=self._start, args=[stream, service], daemon=True).start()
            elif known := self._streams.get(second):
                known.handle(command, first, data)
            elif command == WRTE:
                self.send(CLSE, 0, first)

    def open(self, service: str) -> Stream:
        """Opens a stream to a service of the host; OSError when it refuses."""
        stream = self._add_stream(peer=0)
        self.send(OPEN, stream.number, 0, service.encode() + b"\0")
        stream.wait_until_open()
        return stream

    def send(self, command: int, first: int, second: int, data: bytes = b"") -> None:
        header = HEADER.pack(command, first, second, len(data), 0, command ^ 0xFFFFFFFF)
        with self._sending:
            self._cable.sendall(header + data)

    def forget(self, stream: Stream) -> None:
        self._streams.pop(stream.number, None)

    def close(self) -> None:
        for listener, _ in self.reversed.values():
            with contextlib.suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        self.reversed.clear()
        with contextlib.suppress(OSError):
            self._cable.shutdown(socket.SHUT_RDWR)
        for stream in list(self._streams.values()):
            stream.lose()

    def _greet(self) -> None:
        if self._adbd.authorised:
            self.send(CNXN, VERSION, MAX_DATA, self._adbd.banner)
        else:
            self.send(AUTH, TOKEN, 0, os.urandom(TOKEN_BYTES))

    def _add_stream(self, peer: int) -> Stream:
        stream = Stream(self, next(self._numbers), peer)
        self._streams[stream.number] = stream
        return stream

    def _start(self, stream: Stream, service: str) -> None:
        with contextlib.suppress(OSError, EOFError):
            handler = services.find(service)
            if handler is None:
                stream.refuse()
                return
            handler(stream, service)
        stream.close()

    def _receive(self, count: int) -> bytes:
        received = bytearray()
        while len(received) < count:
            chunk = self._cable.recv(count - len(received))
            if not chunk:
                return b""
            received += chunk
        return bytes(received)


class Stream:
    """Bytes both ways between a service of the phone and one of the host."""

    def __init__(self, connection: Connection, number: int, peer: int) -> None:
        self.connection = connection
        self.number = number
        self._peer = peer
        self._incoming: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._buffer = b""
        self._acknowledged = threading.Semaphore(0)
        self._ended = False

    def accept(self) -> None:
        self.connection.send(OKAY, self.number, self._peer)

    def refuse(self) -> None:
        self.connection.send(CLSE, 0, self._peer)
        self.lose()

    def wait_until_open(self) -> None:
        self._wait()

    def read_some(self) -> bytes:
        """The next bytes; empty when the other side has closed."""
        if not self._buffer:
            data = self._incoming.get()
            if data is None:
                self._incoming.put(None)
                return b""
            self.connection.send(OKAY, self.number, self._peer)
            self._buffer = data
        data, self._buffer = self._buffer, b""
        return data

    def read(self, count: int) -> bytes:
        """Exactly `count` bytes; EOFError when the other side closes before."""
        while len(self._buffer) < count:
            kept, self._buffer = self._buffer, b""
            more = self.read_some()
            if not more:
                raise EOFError
            self._buffer = kept + more
        data, self._buffer = self._buffer[:count], self._buffer[count:]
        return data

    def write(self, data: bytes) -> None:
        """Sends all of it, each piece when the one before has been acknowledged."""
        for start in range(0, len(data), MAX_DATA):
            self.connection.send(WRTE, self.number, self._peer, data[start : start + MAX_DATA])
            self._wait()

    def close(self) -> None:
        if not self._ended:
            with contextlib.suppress(OSError):
                self.connection.send(CLSE, self.number, self._peer)
        self.lose()

    def lose(self) -> None:
        """The other side has gone: readers see the end, writers an error."""
        self._ended = True
        self.connection.forget(self)
        self._incoming.put(None)
        self._acknowledged.release()

    def handle(self, command: int, peer: int, data: bytes) -> None:
        if command == OKAY:
            self._peer = self._peer or peer
            self._acknowledged.release()
        elif command == WRTE:
            self._incoming.put(data)
        elif command == CLSE:
            self.lose()

    def _wait(self) -> None:
        self._acknowledged.acquire()
        if self._ended:
            self._acknowledged.release()  # for the next one who waits
            raise OSError("the stream was closed")
