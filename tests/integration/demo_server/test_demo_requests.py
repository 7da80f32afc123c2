"""What the demo's server answers over HTTP, and to whom."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from android_rpc.bundle.native_program import HOST_TRIPLE
from android_rpc.demo.demo_program import host_demo_program
from android_rpc.demo.running_demo import RunningDemo, run_demo
from android_rpc.demo.start_demo import start_demo
from tests.integration.demo_server.conftest import build_stand_in
from tests.integration.demo_server.peer import ask, parts_of

LISTENING = "0A"  # the kernel's number in /proc/net/tcp


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("", "text/html"),
        ("index.html", "text/html"),
        ("main.js", "text/javascript"),
        ("style.css", "text/css"),
        ("icon.svg", "image/svg+xml"),
    ],
)
def test_the_page_is_served(demo: RunningDemo, name: str, kind: str) -> None:
    status, fields, body = ask(demo.url, name)
    assert (status, body) == (200, f"this is {name or 'index.html'}".encode())
    assert fields["Content-Type"].startswith(kind)
    assert fields["X-Content-Type-Options"] == "nosniff"
    policy = dict(part.split(maxsplit=1) for part in fields["Content-Security-Policy"].split("; "))
    assert policy["default-src"] == "'self'"
    assert not policy.keys() & {"script-src", "connect-src"}


@pytest.mark.parametrize(
    "name",
    [
        *("secret.txt", ".hidden.js", "missing.js", "../outside.js", "%2e%2e/outside.js"),
        *("..%2foutside.js", "main.js/", "main.js?x", "//main.js", "live/", "favicon.ico"),
    ],
)
def test_nothing_else_is_served(demo: RunningDemo, name: str) -> None:
    assert ask(demo.url, name)[0] == 404


def test_without_the_token_there_is_nothing(demo: RunningDemo) -> None:
    port, path = parts_of(demo.url)
    token = path.strip("/")
    other = token[:-1] + ("0" if token[-1] != "0" else "1")
    for wrong in ("/", f"/{other}/", f"/{token[:-1]}/", f"/{token}", f"//{token}/", f"/{token}0/"):
        assert ask(f"http://localhost:{port}{wrong}", "")[0] == 404
    assert len(token) == 32


def test_every_start_has_a_token_of_its_own(page: Path) -> None:
    with start_demo("host", [], page=page) as one, start_demo("host", [], page=page) as other:
        assert parts_of(one.url)[1] != parts_of(other.url)[1]
        assert ask(f"{one.url.rsplit('/', 2)[0]}{parts_of(other.url)[1]}", "")[0] == 404


@pytest.mark.parametrize("host", ["evil.example", "localhost", "localhost:1", "[::1]:{port}", ""])
def test_another_host_is_refused(demo: RunningDemo, host: str) -> None:
    """A name that leads here (DNS rebinding) does not help."""
    port, _ = parts_of(demo.url)
    assert ask(demo.url, "", Host=host.format(port=port))[0] == 421
    assert ask(demo.url, "", Host=f"127.0.0.1:{port}")[0] == 200


@pytest.mark.parametrize("origin", ["null", "http://evil.example", "https://localhost:{port}", ""])
def test_another_origin_is_refused(demo: RunningDemo, origin: str) -> None:
    port, _ = parts_of(demo.url)
    wrong = origin.format(port=port)
    assert ask(demo.url, "packages", Origin=wrong)[0] == 403
    assert ask(demo.url, "packages", "POST", b"x", Origin=wrong)[0] == 403
    assert ask(demo.url, "live", Origin=wrong)[0] == 403


def test_orders_need_an_origin(demo: RunningDemo) -> None:
    port, path = parts_of(demo.url)
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.sendall(
            f"POST {path}packages HTTP/1.1\r\nHost: localhost:{port}\r\n"
            "Content-Length: 1\r\n\r\nx".encode()
        )
        assert b" 403 " in connection.recv(4096)


@pytest.mark.parametrize(
    ("request_text", "status"),
    [
        ("GET / HTTP/1.0\r\nHost: x\r\n\r\n", 505),
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n", 400),
        ("GET  / HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("GET http://x/ HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n", 501),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\n folded: y\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\nA: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: x\r\n" + "A: b\r\n" * 64 + "\r\n", 431),
        ("GET /" + "x" * 9000 + " HTTP/1.1\r\nHost: x\r\n\r\n", 431),
        ("\x16\x03\x01\r\n\r\n", 400),
    ],
)
def test_what_is_no_request_is_refused(demo: RunningDemo, request_text: str, status: int) -> None:
    port, _ = parts_of(demo.url)
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.sendall(request_text.encode("latin-1"))
        assert connection.recv(4096).startswith(f"HTTP/1.1 {status} ".encode())


def test_another_method_is_refused(demo: RunningDemo) -> None:
    for method in ("DELETE", "PUT", "OPTIONS"):
        assert ask(demo.url, "packages", method)[0] == 405
    assert ask(demo.url, "main.js", "POST", b"x")[0] == 405


def test_only_loopback_is_listened_on(demo: RunningDemo) -> None:
    port, _ = parts_of(demo.url)
    lines = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    at = [line[1] for line in lines if line[3] == LISTENING and line[1].endswith(f":{port:04X}")]
    assert at == [f"0100007F:{port:04X}"]


def test_the_packages_are_told(demo: RunningDemo) -> None:
    status, fields, body = ask(demo.url, "packages")
    told = json.loads(body)
    assert (status, fields["Content-Type"]) == (200, "application/json")
    assert [package["id"] for package in told["packages"]] == ["failing", "quick", "slow"]
    assert told["packages"][1] == {
        "id": "quick",
        "name": "stand-in",
        "target": "host",
        "precision": "fp32",
        "threads": 2,
        "input": {"width": 8, "height": 6},
        "output": {"name": "depth", "width": 4, "height": 3, "unit": "m", "meaning": "metres"},
    }
    assert set(told["device"]) == {"name", "cores", "temperature_c"}


def test_what_is_no_package_is_left_out(
    stand_in: Callable[[str], Path], page: Path, tmp_path: Path
) -> None:
    (text := tmp_path / "libtext.so").write_text("no library")
    with start_demo("host", [stand_in("no_manifest"), text], page=page) as demo:
        assert json.loads(ask(demo.url, "packages")[2])["packages"] == []
        assert "libno_manifest.so: its manifest is no JSON object" in demo.log()


def test_a_library_can_be_uploaded(demo: RunningDemo, libraries: list[Path]) -> None:
    status, _, body = ask(demo.url, "packages", "POST", libraries[0].read_bytes())
    assert status == 200
    entry = json.loads(body)
    assert entry["name"] == "stand-in"
    assert entry in json.loads(ask(demo.url, "packages")[2])["packages"]


def test_uploads_at_the_same_time_are_two_packages(
    demo: RunningDemo, libraries: list[Path]
) -> None:
    port, path = parts_of(demo.url)
    library, ids = libraries[0].read_bytes(), []
    connections = [socket.create_connection(("127.0.0.1", port), 20) for _ in range(2)]
    for connection in connections:
        connection.sendall(
            f"POST {path}packages HTTP/1.1\r\nHost: localhost:{port}\r\n"
            f"Origin: http://localhost:{port}\r\nExpect: 100-continue\r\n"
            f"Content-Length: {len(library)}\r\n\r\n".encode()
        )
        assert b" 100 " in connection.recv(4096)
    for connection in connections:
        connection.sendall(library)
        with connection, connection.makefile("rb") as answer:
            ids.append(json.loads(answer.read().partition(b"\r\n\r\n")[2])["id"])
    assert len(set(ids)) == 2
    assert set(ids) <= {one["id"] for one in json.loads(ask(demo.url, "packages")[2])["packages"]}


@pytest.mark.parametrize("rubbish", ["text", "half", "head", "a program"])
def test_what_is_no_package_is_refused(
    demo: RunningDemo, libraries: list[Path], rubbish: str
) -> None:
    library = libraries[0].read_bytes()
    content = {
        "text": b"no library",
        "half": library[: len(library) // 2],
        "head": library[:64],
        "a program": host_demo_program().read_bytes(),
    }[rubbish]
    before = ask(demo.url, "packages")[2]
    status, _, body = ask(demo.url, "packages", "POST", content)
    assert (status, json.loads(body)["error"]) == (422, "not_a_package")
    assert ask(demo.url, "packages")[2] == before


def test_a_library_of_another_system_is_refused(demo: RunningDemo, tmp_path: Path) -> None:
    """As one for Android needs a C library that is not there."""
    (stub := tmp_path / "stub.c").write_text("int other_system(void) { return 0; }\n")
    needed = tmp_path / "libother_system.so"
    compiler = [sys.executable, "-m", "ziglang", "cc", "-shared", f"-Wl,-soname,{needed.name}"]
    subprocess.run([*compiler, str(stub), "-o", str(needed)], check=True)
    words = ("-Wl,--no-as-needed", str(needed))
    library = build_stand_in(tmp_path / "libother.so", HOST_TRIPLE, *words)
    needed.unlink()
    status, _, body = ask(demo.url, "packages", "POST", library.read_bytes())
    assert (status, json.loads(body)["error"]) == (422, "not_a_package")
    assert json.loads(body)["message"].startswith("made for another system; ")


@pytest.mark.parametrize("size", [0, (512 << 20) + 1, 10**14])
def test_the_size_of_an_upload_is_bounded(demo: RunningDemo, size: int) -> None:
    port, path = parts_of(demo.url)
    with socket.create_connection(("127.0.0.1", port), 20) as connection:
        connection.sendall(
            f"POST {path}packages HTTP/1.1\r\nHost: localhost:{port}\r\n"
            f"Origin: http://localhost:{port}\r\nContent-Length: {size}\r\n\r\n".encode()
        )
        assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_of_an_upload_that_is_cut_off_nothing_stays(
    libraries: list[Path], page: Path, tmp_path: Path, wait_until: Callable[..., float]
) -> None:
    """And when the server ends nothing stays of those that were whole."""
    work = tmp_path / "uploads"
    (packages := tmp_path / "packages").mkdir()
    command = [str(host_demo_program()), "--page", str(page), "--packages", str(packages)]
    with run_demo([*command, "--work", str(work)], "host") as demo:
        assert demo is not None
        port, path = parts_of(demo.url)
        with socket.create_connection(("127.0.0.1", port), 20) as connection:
            connection.sendall(
                f"POST {path}packages HTTP/1.1\r\nHost: localhost:{port}\r\n"
                f"Origin: http://localhost:{port}\r\nContent-Length: 99\r\n\r\nhalf".encode()
            )
            wait_until(lambda: list(work.iterdir()), 20)
        wait_until(lambda: not list(work.iterdir()), 20)
        assert ask(demo.url, "packages", "POST", libraries[0].read_bytes())[0] == 200
        assert len(list(work.iterdir())) == 1
    assert not work.exists()
    assert demo.exit_code == 0


def test_a_full_disk_is_told(
    libraries: list[Path], page: Path, tmp_path: Path, namespaces: None
) -> None:
    (work := tmp_path / "work").mkdir()
    server = [str(host_demo_program()), "--page", str(page), "--packages", str(tmp_path)]
    script = f'mount -t tmpfs -o size=1m tmpfs {work} && exec "$@" --work {work}'
    words = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", script, "sh", *server]
    library = libraries[0].read_bytes() + bytes(1 << 20)
    with run_demo(words, "host") as demo:
        assert demo is not None
        for _ in range(2):  # what was written is removed
            status, _, body = ask(demo.url, "packages", "POST", library)
            assert (status, json.loads(body)["error"]) == (507, "storage_full")
        assert ask(demo.url, "packages", "POST", libraries[0].read_bytes())[0] == 200


def test_more_connections_than_places_wait_their_turn(demo: RunningDemo) -> None:
    port, _ = parts_of(demo.url)
    idle = [socket.create_connection(("127.0.0.1", port), 20) for _ in range(15)]
    try:
        assert ask(demo.url, "")[0] == 200
    finally:
        for connection in idle:
            connection.close()
    assert ask(demo.url, "")[0] == 200


@pytest.mark.parametrize(
    "options",
    [
        [],
        ["--page", "x"],
        ["--page", "x", "--packages", "y", "--work", "z", "--cpus", "2:1"],
        ["--page", "x", "--packages", "y", "--work", "z", "--device", "[]"],
        ["--page", "x", "--packages", "y", "--work", "z", "--port", "65536"],
        ["--page", "x", "--packages", "y", "--work", "z", "--listen", "0.0.0.0:80"],
    ],
)
def test_a_wrong_command_line_is_said(options: list[str]) -> None:
    done = subprocess.run([host_demo_program(), *options], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("demo_server: ")
