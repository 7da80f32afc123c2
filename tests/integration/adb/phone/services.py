"""What adb asks of the phone: shells, TCP connections, reverse rules; files are in `sync.py`."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import struct
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import sync

if TYPE_CHECKING:
    from adbd import Stream

STDIN, STDOUT, STDERR, EXIT, CLOSE_STDIN = range(5)
ENVIRONMENT = {
    "PATH": "/system/bin",
    "HOME": "/",
    "QEMU_CPU": "cortex-a76",
    "ANDROID_DATA": "/data",
    "TMPDIR": "/data/local/tmp",
}
PIECE = 1 << 16


def find(service: str) -> Callable[[Stream, str], None] | None:
    """What serves a name such as `shell,v2,raw:ls`, or None."""
    kind = service.partition(":")[0].partition(",")[0]
    known = {"shell": shell, "exec": shell, "sync": files, "reverse": reverse, "tcp": connect}
    return known.get(kind)


def files(stream: Stream, service: str) -> None:
    """Files to and from the phone."""
    stream.accept()
    sync.serve(stream, stream.connection.root)


def connect(stream: Stream, service: str) -> None:
    """A TCP connection to the phone's own loopback interface (`adb forward`)."""
    port = int(service.partition(":")[2])
    try:
        peer = socket.create_connection(("127.0.0.1", port), timeout=10)
    except OSError:
        stream.refuse()
        return
    peer.settimeout(None)
    stream.accept()
    _join(stream, peer)


def reverse(stream: Stream, service: str) -> None:
    """Rules by which programs of the phone reach ports of the host."""
    stream.accept()
    rules = stream.connection.reversed
    command, _, rest = service.removeprefix("reverse:").partition(":")
    if command == "list-forward":
        listing = "".join(f"UsbFfs tcp:{port} {host}\n" for port, (_, host) in rules.items())
        stream.write(f"{len(listing):04x}{listing}".encode())
    elif command == "forward":
        _add_rule(stream, rest)
    elif command in ("killforward", "killforward-all"):
        ports = list(rules) if command.endswith("all") else [int(rest.removeprefix("tcp:"))]
        if not set(ports) <= set(rules):
            _fail(stream, f"listener '{rest}' not found")
            return
        for port in ports:
            _remove_rule(rules, port)
        stream.write(b"OKAY")
    else:
        _fail(stream, f"unknown reverse command {command}")


def _add_rule(stream: Stream, rest: str) -> None:
    rules = stream.connection.reversed
    keep = rest.startswith("norebind:")
    local, _, host = rest.removeprefix("norebind:").partition(";")
    port = int(local.removeprefix("tcp:"))
    if port in rules and keep:
        _fail(stream, f"cannot rebind existing socket: {local}")
        return
    if port in rules:
        _remove_rule(rules, port)
    try:
        listener = socket.create_server(("127.0.0.1", port))
    except OSError as error:
        _fail(stream, f"cannot bind listener: {error.strerror}")
        return
    bound = listener.getsockname()[1]
    rules[bound] = (listener, host)
    threading.Thread(target=_accept, args=[stream, listener, host], daemon=True).start()
    stream.write(b"OKAY" + (f"{len(str(bound)):04x}{bound}".encode() if port == 0 else b""))


def _remove_rule(rules: dict[int, tuple[socket.socket, str]], port: int) -> None:
    listener, _ = rules.pop(port)
    with contextlib.suppress(OSError):
        listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
    listener.close()


def _accept(stream: Stream, listener: socket.socket, host: str) -> None:
    connection = stream.connection
    with contextlib.suppress(OSError):
        while True:
            peer, _ = listener.accept()
            threading.Thread(target=_to_host, args=[connection, peer, host], daemon=True).start()


def _to_host(connection: Any, peer: socket.socket, host: str) -> None:
    with peer, contextlib.suppress(OSError):
        _join(connection.open(host), peer)


def _fail(stream: Stream, message: str) -> None:
    stream.write(f"FAIL{len(message):04x}{message}".encode())


def _join(stream: Stream, peer: socket.socket) -> None:
    """Carries bytes both ways until either side closes."""

    def outwards() -> None:
        with contextlib.suppress(OSError):
            while data := peer.recv(PIECE):
                stream.write(data)
        stream.close()

    thread = threading.Thread(target=outwards, daemon=True)
    thread.start()
    with peer, contextlib.suppress(OSError):
        while data := stream.read_some():
            peer.sendall(data)
        peer.shutdown(socket.SHUT_RDWR)
        thread.join()
    stream.close()


def shell(stream: Stream, service: str) -> None:
    """A command in the phone's shell: plain bytes, or the framed second protocol."""
    how, _, command = service.partition(":")
    framed = "v2" in how.split(",")
    process = subprocess.Popen(
        ["/system/bin/sh", "-c", command],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if framed else subprocess.STDOUT,
        env=environment(stream.connection.root),
        preexec_fn=lambda: _enter(str(stream.connection.root)),
        start_new_session=True,
    )
    stream.accept()
    outputs = [threading.Thread(target=_pump, args=[process.stdout, stream, STDOUT, framed])]
    if framed:
        outputs.append(threading.Thread(target=_pump, args=[process.stderr, stream, STDERR, True]))
    for thread in outputs:
        thread.start()
    threading.Thread(target=_feed, args=[stream, process, framed], daemon=True).start()
    code = process.wait()
    for thread in outputs:
        thread.join()
    if framed:
        code = code & 0xFF if code >= 0 else 128 - code
        stream.write(struct.pack("<BIB", EXIT, 1, code))


def environment(root: Path) -> dict[str, str]:
    """That of every shell, and what a test has put into /system/environment."""
    file = root / "system/environment"
    lines = file.read_text().splitlines() if file.exists() else []
    return ENVIRONMENT | dict(line.split("=", 1) for line in lines)


def _enter(root: str) -> None:
    os.chroot(root)
    os.chdir("/")


def _pump(output: Any, stream: Stream, kind: int, framed: bool) -> None:
    with output, contextlib.suppress(OSError):
        while data := os.read(output.fileno(), PIECE):
            stream.write((struct.pack("<BI", kind, len(data)) if framed else b"") + data)


def _feed(stream: Stream, process: subprocess.Popen[bytes], framed: bool) -> None:
    """The client's input; when the client goes, so does the program, as with the real adbd."""
    source = process.stdin
    assert source is not None
    try:
        while True:
            if not framed:
                data = stream.read_some()
                if not data:
                    raise EOFError
                kind = STDIN
            else:
                kind, length = struct.unpack("<BI", stream.read(5))
                data = stream.read(length)
            if kind == CLOSE_STDIN:
                source.close()
            elif kind == STDIN:
                with contextlib.suppress(OSError, ValueError):
                    os.write(source.fileno(), data)
    except (EOFError, OSError):
        with contextlib.suppress(OSError):
            source.close()
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGHUP)
