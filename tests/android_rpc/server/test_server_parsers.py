"""The server's C functions that read what comes from outside, against Python's own."""

from __future__ import annotations

import ctypes
import ipaddress
import os
import socket
import struct
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

CPU_SETSIZE = 1024
CPU_SET_BYTES = CPU_SETSIZE // 8
SESSION, WORKSPACE = 0, 1

TEXT = st.text("0123456789,-+ x:.", max_size=20)
FAST = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def parse_cpus(library: ctypes.CDLL, text: str) -> set[int] | None:
    cpus = (ctypes.c_uint8 * CPU_SET_BYTES)()
    if library.parse_cpu_list(text.encode(), cpus):
        return None
    mask = int.from_bytes(bytes(cpus), "little")
    return {cpu for cpu in range(CPU_SETSIZE) if mask >> cpu & 1}


def expected_cpus(text: str) -> set[int] | None:
    cpus: set[int] = set()
    for part in text.split(","):
        first, dash, last = part.partition("-")
        if not first.isdigit() or (dash and not last.isdigit()):
            return None
        numbers = range(int(first), int(last if dash else first) + 1)
        if not numbers or numbers[-1] >= CPU_SETSIZE:
            return None
        cpus.update(numbers)
    return cpus


@FAST
@given(TEXT | st.lists(st.integers(0, 1100), min_size=1).map(lambda c: ",".join(map(str, c))))
@example("0-1023")
@example("1024")
@example("99999999999999999999")
@example("4-")
@example("0,")
def test_cpu_lists(server_library: ctypes.CDLL, text: str) -> None:
    assert parse_cpus(server_library, text) == expected_cpus(text)


@FAST
@given(st.sets(st.integers(0, CPU_SETSIZE - 1)))
def test_formatted_cpu_lists_are_read_back(server_library: ctypes.CDLL, cpus: set[int]) -> None:
    mask = sum(1 << cpu for cpu in cpus).to_bytes(CPU_SET_BYTES, "little")
    text = ctypes.create_string_buffer(8192)
    length = server_library.format_cpu_list(mask, text, len(text))
    assert text.value.decode() == ",".join(map(str, sorted(cpus)))
    assert length == len(text.value)
    if len(text.value) > 0:
        assert server_library.format_cpu_list(mask, text, length) == -1


def parse_address(library: ctypes.CDLL, text: str, port_zero: bool) -> tuple[str, int] | None:
    raw = ctypes.create_string_buffer(16)
    if library.parse_address(text.encode(), int(port_zero), raw):
        return None
    family, port, host = struct.unpack("!2sH4s", raw.raw[:8])
    assert struct.unpack("=H", family) == (socket.AF_INET,)
    return socket.inet_ntoa(host), port


@FAST
@given(
    TEXT
    | st.builds("{}:{}".format, st.ip_addresses(v=4), st.integers(-1, 70000))
    | st.builds("{}:{}".format, TEXT, st.integers(0, 65535)),
    st.booleans(),
)
@example("127.0.0.1:0", True)
@example("127.0.0.1:065535", True)
@example("1.2.3:80", True)
@example("111.111.111.1111:80", True)
def test_addresses(server_library: ctypes.CDLL, text: str, port_zero: bool) -> None:
    host, colon, port = text.rpartition(":")
    expected = None
    if colon and port.isdigit() and len(port) <= 5 and not port_zero <= int(port) - 65536:
        try:
            expected = (str(ipaddress.IPv4Address(host)), int(port))
        except ValueError:
            expected = None
    if expected and (expected[1] > 65535 or (expected[1] == 0 and not port_zero)):
        expected = None
    assert parse_address(server_library, text, port_zero) == expected


@pytest.mark.parametrize(
    ("hello", "limit"),
    [
        ("client:phone:1f", 0.0),
        ("client:phone:1f -timeout=12.5", 12.5),
        ("client:phone:1f  -other -timeout=3", 3.0),
        ("client:phone:1", None),
        ("client:phone:1f0", None),
        ("server:phone:1f", None),
        ("client:", None),
        ("", None),
        ("   ", None),
        ("client:phone:1f -timeout=", None),
        ("client:phone:1f -timeout=-1", None),
        ("client:phone:1f -timeout=nan", None),
        ("client:phone:1f -timeout=1e999", None),
        ("client:phone:1f -timeout=5s", None),
    ],
)
def test_hellos(server_library: ctypes.CDLL, hello: str, limit: float | None) -> None:
    text, seconds = ctypes.create_string_buffer(hello.encode()), ctypes.c_double(-1)
    refused = server_library.parse_hello(text, b"phone:1f", ctypes.byref(seconds))
    assert (None if refused else seconds.value) == limit


@pytest.mark.parametrize(
    ("hello", "seconds"),
    [
        *(("client:k", 0), ("client:k -hold=2.5", 2.5), ("client:k -hold=5 -timeout=9", 5)),
        *(("client:k -hold=1e9", 10), ("client:k -hold=inf", 10), ("client:k -hold=nan", 0)),
        *(("client:k -hold=", 0), ("client:k -hold=-3", 0), ("client:k -hold=x", 0)),
    ],
)
def test_how_long_a_device_is_held(server_library: ctypes.CDLL, hello: str, seconds: float) -> None:
    server_library.parse_hold.restype = ctypes.c_double
    assert server_library.parse_hold(hello.encode()) == seconds


@FAST
@given(st.binary(max_size=200))
def test_no_other_hello_is_accepted(server_library: ctypes.CDLL, hello: bytes) -> None:
    text, seconds = ctypes.create_string_buffer(hello), ctypes.c_double()
    assert server_library.parse_hello(text, b"phone:1f", ctypes.byref(seconds)) == -1


@pytest.mark.parametrize(
    ("key", "valid"),
    [
        *(("arm64-a76", 1), ("a.b_c-9", 1), ("k" * 100, 1)),
        *(("", 0), ("a:b", 0), ('a"', 0), ("a b", 0), ("é", 0), ("a\n", 0), ("a\\", 0)),
        ("k" * 101, 0),
    ],
)
def test_keys(server_library: ctypes.CDLL, key: str, valid: int) -> None:
    assert server_library.valid_key(key.encode()) == valid


@pytest.fixture(scope="module")
def workspace(
    server_library: ctypes.CDLL, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """A session's folder; beside it a pushed file, and links out of the workspace."""
    root = tmp_path_factory.mktemp("workspace")
    assert server_library.workspace_open(str(root).encode()) == 0
    assert server_library.workspace_begin_session() == 0
    (session,) = root.iterdir()
    (root / "pushed.so").touch()
    (session / "folder").mkdir()
    (session / "model.so").touch()
    (session / "out").symlink_to("/etc")
    (session / "dangling").symlink_to("/nowhere/file")
    (session / "up").symlink_to("..")
    yield session
    server_library.workspace_end_session()
    assert [path.name for path in root.iterdir()] == ["pushed.so"]


def resolve(library: ctypes.CDLL, name: str, part: int) -> str | None:
    path = ctypes.create_string_buffer(4096)
    return None if library.workspace_path(name.encode(), part, path) else path.value.decode()


COMPONENT = st.sampled_from(
    ["..", ".", "", "folder", "model.so", "out", "dangling", "up", "pushed.so", "new", "etc"]
)


@FAST
@given(st.lists(COMPONENT, min_size=1, max_size=5), st.sampled_from(["", "/", "{session}/"]))
def test_no_path_leads_out(
    server_library: ctypes.CDLL, workspace: Path, parts: list[str], start: str
) -> None:
    name = start.format(session=workspace) + "/".join(parts)
    real = os.path.realpath(workspace / name)
    for part, folder in ((SESSION, workspace), (WORKSPACE, workspace.parent)):
        resolved = resolve(server_library, name, part)
        if resolved is not None:
            assert resolved == real
            assert Path(resolved).is_relative_to(folder)


@pytest.mark.parametrize(
    ("name", "in_session", "in_workspace"),
    [
        ("model.so", True, True),
        ("new.so", True, True),
        ("folder/new.so", True, True),
        ("", True, True),
        ("../pushed.so", False, True),
        ("up/pushed.so", False, True),
        ("none/new.so", False, False),
        ("out/passwd", False, False),
        ("dangling", False, False),
        ("../../x", False, False),
        ("/etc/passwd", False, False),
        ("x" * 5000, False, False),
    ],
)
def test_paths(
    server_library: ctypes.CDLL, workspace: Path, name: str, in_session: bool, in_workspace: bool
) -> None:
    assert (resolve(server_library, name, SESSION) is not None) == in_session
    assert (resolve(server_library, name, WORKSPACE) is not None) == in_workspace


def test_absolute_paths_into_the_workspace(server_library: ctypes.CDLL, workspace: Path) -> None:
    pushed = workspace.parent / "pushed.so"
    assert resolve(server_library, str(pushed), WORKSPACE) == str(pushed)
    assert resolve(server_library, f"{workspace.parent}-other/x", WORKSPACE) is None
