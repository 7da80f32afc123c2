"""The native server under emulation, spoken to in bytes: nothing of TVM's client is used."""

from __future__ import annotations

import os
import select
import signal
import socket
import struct
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from android_rpc.bundle.bundle import Bundle
from android_rpc.devices.emulated import CPU_MODEL, find_emulator

MAGIC, MISMATCH = 0xFF271, 0xFF273
INIT_SERVER, CALL_FUNCTION, RETURN, GET_GLOBAL_FUNCTION = 2, 3, 4, 9
KEY = "test-key"


class Server:
    def __init__(self, bundle: Bundle, work: Path, *options: str) -> None:
        self.work = work
        command = [find_emulator(), "-cpu", CPU_MODEL, *bundle.command()]
        command += ["--key", KEY, "--work", str(work), "--die-with-stdin", *options]
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    @property
    def port(self) -> int:
        assert self.process.stdout is not None
        if not hasattr(self, "_port"):
            host, _, port = self.process.stdout.readline().decode().strip().partition(":")
            assert host == "127.0.0.1"
            self._port = int(port)
        return self._port

    def connect(self) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=10)

    def join(self, key: str = KEY, options: str = "") -> socket.socket:
        """A session: returns when the server has shaken hands."""
        client = self.connect()
        client.sendall(hello(f"client:{key}{options}"))
        assert receive(client, 8 + len(f"server:{KEY}")).endswith(f"server:{KEY}".encode())
        return client

    def children(self) -> list[psutil.Process]:
        return psutil.Process(self.process.pid).children(recursive=True)


def hello(text: str) -> bytes:
    return struct.pack("<ii", MAGIC, len(text)) + text.encode()


def receive(client: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count and (chunk := client.recv(count - len(data))):
        data += chunk
    return data


def closed(client: socket.socket) -> bool:
    """Whether the server closes the connection without a word."""
    try:
        return client.recv(1) == b""
    except ConnectionResetError:
        return True


@contextmanager
def running(bundle: Bundle, work: Path, *options: str) -> Iterator[Server]:
    server = Server(bundle, work, *options)
    try:
        yield server
    finally:
        with server.process:
            server.process.kill()


@pytest.fixture
def server(bundle: Bundle, tmp_path: Path) -> Iterator[Server]:
    with running(bundle, tmp_path / "work") as server:
        yield server


def test_a_wrong_key_is_told_so_and_the_next_client_is_served(server: Server) -> None:
    for wrong in ("client:other", "server:test-key", "test-key", "client:test-key-and-more"):
        with server.connect() as client:
            client.sendall(hello(wrong))
            assert struct.unpack("<i", receive(client, 4)) == (MISMATCH,)
            assert closed(client)
    server.join().close()


@pytest.mark.parametrize(
    "garbage",
    [
        b"GET / HTTP/1.0\r\n\r\n",
        struct.pack("<ii", MAGIC, -1),
        struct.pack("<ii", MAGIC, 0),
        struct.pack("<ii", MAGIC, 1 << 30) + b"x" * 4096,
        os.urandom(4096),
    ],
    ids=["http", "negative", "empty", "oversized", "random"],
)
def test_garbage_is_dropped_at_once(server: Server, garbage: bytes) -> None:
    with server.connect() as client:
        client.sendall(garbage)
        assert closed(client)
    server.join().close()


def test_a_silent_connection_does_not_keep_the_next_client_waiting_for_long(
    server: Server,
) -> None:
    with server.connect() as half:
        half.sendall(struct.pack("<i", MAGIC))
        client = server.connect()
        client.settimeout(15)
        client.sendall(hello(f"client:{KEY}"))
        assert receive(client, 4) == struct.pack("<i", MAGIC)
        client.close()


@pytest.mark.parametrize("options", [" -timeout=1", ""], ids=["client's limit", "server's limit"])
def test_a_session_has_its_limit(
    bundle: Bundle, tmp_path: Path, options: str, wait_until: Callable[..., float]
) -> None:
    with running(bundle, tmp_path / "work", "--session-limit", "2") as server:
        client = server.join(options=options)
        started = time.monotonic()
        assert closed(client)
        assert time.monotonic() - started > 0.9
        wait_until(lambda: not list(server.work.iterdir()), 60)
        server.join().close()


def test_a_client_that_leaves_ends_its_session(
    server: Server, wait_until: Callable[..., float]
) -> None:
    client = server.join()
    wait_until(lambda: len(server.children()) == 1 and list(server.work.iterdir()), 60)
    client.close()
    wait_until(lambda: not server.children() and not list(server.work.iterdir()), 60)


@pytest.mark.parametrize("how", ["stdin", "SIGTERM", "SIGINT", "SIGKILL"])
def test_the_server_ends_with_its_session(
    server: Server, how: str, wait_until: Callable[..., float]
) -> None:
    client = server.join()
    wait_until(lambda: len(server.children()) == 1, 60)
    (child,) = server.children()
    if how == "stdin":
        assert server.process.stdin is not None
        server.process.stdin.close()
    else:
        server.process.send_signal(signal.Signals[how])
    code = server.process.wait(60)
    assert code == (-signal.SIGKILL if how == "SIGKILL" else 0)
    wait_until(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE, 60)
    if how != "SIGKILL":
        assert not server.work.exists()
    client.close()


def test_folders_of_killed_servers_are_removed(bundle: Bundle, tmp_path: Path) -> None:
    work = tmp_path / "work"
    with running(bundle, work) as server:
        client = server.join()
        while not list(work.iterdir()):
            time.sleep(0.01)
        server.process.kill()
        server.process.wait()
        client.close()
    assert len(list(work.iterdir())) == 1
    (work / "pushed.so").write_bytes(b"")
    with running(bundle, work) as server:
        server.join().close()
        mine = f"session-{server.process.pid}-"
        assert all(path.name.startswith(mine) for path in work.glob("session-*"))
        assert (work / "pushed.so").exists()


@pytest.mark.parametrize(
    "options",
    [
        ("--threads", "0"),
        ("--cpus", "3-1"),
        ("--tracker", "localhost:9190"),
        ("--listen", "127.0.0.1:70000"),
        ("--session-limit", "nan"),
        ("--idle-limit", "-1"),
        ("--key", "no spaces"),
        ("--key",),
        ("--unknown", "1"),
    ],
    ids=" ".join,
)
def test_bad_options_are_wrong_use(
    bundle: Bundle, tmp_path: Path, options: tuple[str, ...]
) -> None:
    with running(bundle, tmp_path / "work", *options) as server:
        _, said = server.process.communicate(timeout=60)
        assert server.process.returncode == 2
        assert said.decode().startswith(f"rpc_server: cannot use {options[0]}")
        assert not server.work.exists()


def test_a_busy_port_is_said_in_one_line(bundle: Bundle, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as holder:
        address = f"127.0.0.1:{holder.getsockname()[1]}"
        with running(bundle, tmp_path / "work", "--listen", address) as server:
            _, said = server.process.communicate(timeout=60)
            assert server.process.returncode == 4
            assert f"cannot listen on {address}: Address already in use" in said.decode()
            assert said.count(b"\n") == 1


def test_a_waiting_server_sleeps(server: Server, wait_until: Callable[..., float]) -> None:
    """Nothing polls, so that nothing disturbs a measurement."""
    client = server.join()
    wait_until(lambda: len(server.children()) == 1, 60)
    (child,) = server.children()
    select.select([], [], [], 1.0)
    parent = psutil.Process(server.process.pid)
    before = [parent.num_ctx_switches().voluntary, sum(parent.cpu_times()[:2])]
    select.select([], [], [], 1.0)
    after = [parent.num_ctx_switches().voluntary, sum(parent.cpu_times()[:2])]
    assert after == before
    assert child.is_running()
    client.close()


def request(code: int, body: bytes) -> bytes:
    return struct.pack("<Qi", 4 + len(body), code) + body


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


def look_up(function: str) -> bytes:
    return request(GET_GLOBAL_FUNCTION, struct.pack("<ii", 1, 8) + text(function))


def start(*constructor: str) -> bytes:
    """The first request of a session; a constructor names where else it is to be served."""
    arguments = b"".join(struct.pack("<i", 8) + text(word) for word in constructor)
    return request(INIT_SERVER, text("0.8.0") + struct.pack("<i", len(constructor)) + arguments)


def answer(client: socket.socket) -> tuple[int, bytes]:
    length, code = struct.unpack("<Qi", receive(client, 12))
    return code, receive(client, length - 4)


@pytest.mark.parametrize(
    "requests",
    [
        start() + struct.pack("<Qi", 1 << 40, CALL_FUNCTION),
        start() + struct.pack("<Qi", 2, CALL_FUNCTION),
        start() + request(GET_GLOBAL_FUNCTION, b"x" * 4096),
        start() + start(),
        start("rpc.Connect"),
        look_up("tvm.rpc.server.upload"),
        os.urandom(4096),
    ],
    ids=["oversized", "undersized", "oversized name", "two starts", "elsewhere", "none", "random"],
)
def test_a_session_that_asks_for_what_is_refused_ends(server: Server, requests: bytes) -> None:
    client = server.join()
    client.sendall(requests)
    while not closed(client):
        pass
    client.close()
    server.join().close()


def test_other_functions_than_those_for_clients_do_not_exist(server: Server) -> None:
    with server.join() as client:
        client.sendall(start())
        assert answer(client)[0] == RETURN
        for name, there in (
            ("tvm.rpc.server.download", True),
            ("depthbench.read_file", True),
            ("depthbench.none", False),
            ("ffi.ModuleLoadFromFile", False),
            ("rpc.Connect", False),
            ("", False),
        ):
            client.sendall(look_up(name))
            code, body = answer(client)
            handle = struct.unpack("<q", body[8:])[0] if len(body) == 16 else 0
            assert (code, bool(handle)) == (RETURN, there), name


def test_an_idle_client_is_dropped(bundle: Bundle, tmp_path: Path) -> None:
    with running(bundle, tmp_path / "work", "--idle-limit", "1") as server:
        with server.join() as client:
            assert closed(client)
        server.join().close()
