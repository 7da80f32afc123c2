"""The tracker's protocol, against a tracker that misbehaves on purpose."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from android_rpc.tracker.tracker import Tracker
from android_rpc.tracker.tracker_client import MAGIC, TrackerClient, encode_message
from depthbench.errors import DeviceError, InputError

GREETING = struct.pack("<i", MAGIC)


@contextmanager
def fake_tracker(answer: Callable[[socket.socket], None]) -> Iterator[int]:
    """A listener whose only connection is handled by `answer`."""

    def serve() -> None:
        connection, _ = listener.accept()
        with connection:
            answer(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield listener.getsockname()[1]
        thread.join(5)


def answering(*replies: bytes) -> Callable[[socket.socket], None]:
    def answer(connection: socket.socket) -> None:
        for reply in replies:
            connection.recv(4096)
            connection.sendall(reply)
        while connection.recv(4096):
            pass

    return answer


def test_messages_are_length_and_json() -> None:
    message = encode_message([4, "key", "", 1])
    assert struct.unpack("<i", message[:4]) == (len(message) - 4,)
    assert json.loads(message[4:]) == [4, "key", "", 1]


def test_a_device_is_found_by_its_key() -> None:
    summary = {"server_info": [{"key": "server:phone-1"}, {"addr": []}], "queue_info": {}}
    reply = encode_message([0, summary])
    with (
        fake_tracker(answering(GREETING, reply, reply)) as port,
        TrackerClient("127.0.0.1", port) as client,
    ):
        assert client.serves("phone-1")
        assert not client.serves("phone")


def test_a_device_is_requested() -> None:
    reply = encode_message([0, ["127.0.0.1", 9090, "phone:12"]])
    with (
        fake_tracker(answering(GREETING, reply)) as port,
        TrackerClient("localhost", port) as client,
    ):
        assert client.request("phone", 5) == ("127.0.0.1", 9090, "phone:12")


def test_a_request_has_an_end() -> None:
    with (
        fake_tracker(answering(GREETING)) as port,
        TrackerClient("127.0.0.1", port) as client,
        pytest.raises(TimeoutError),
    ):
        client.request("phone", 0.2)


@pytest.mark.parametrize(
    ("replies", "message"),
    [
        ([b"HTTP"], "not a TVM RPC tracker"),
        ([b""], r"no RPC tracker answers"),
        ([GREETING, struct.pack("<i", 1 << 30)], "sent 1073741824 bytes at once"),
        ([GREETING, struct.pack("<i", -5)], "sent -5 bytes at once"),
        ([GREETING, struct.pack("<i", 3) + b"{{{"], "no RPC tracker answers"),
        ([GREETING, encode_message([-1, None])], "refused the request"),
        ([GREETING, encode_message(-1)], "refused the request"),
    ],
)
def test_what_is_no_tracker(replies: list[bytes], message: str) -> None:
    with (
        fake_tracker(answering(*replies)) as port,
        pytest.raises(DeviceError, match=message) as caught,
        TrackerClient("127.0.0.1", port, timeout_s=0.5) as client,
    ):
        client.summary(timeout_s=0.5)
    assert "\n" not in str(caught.value)
    assert f":{port}: " in str(caught.value)


def test_nobody_listens() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    started = time.monotonic()
    with pytest.raises(DeviceError, match="no RPC tracker answers"):
        TrackerClient("127.0.0.1", port, timeout_s=0.3)
    assert time.monotonic() - started > 0.1


def test_it_waits_for_the_port() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]

    def later() -> None:
        time.sleep(0.3)
        with socket.create_server(("127.0.0.1", port)) as listener:
            connection, _ = listener.accept()
            with connection:
                answering(GREETING)(connection)

    thread = threading.Thread(target=later, daemon=True)
    thread.start()
    TrackerClient("127.0.0.1", port, timeout_s=10).close()
    thread.join(5)


def test_a_busy_port_is_said_in_one_line() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(InputError) as caught:
            Tracker(port).__enter__()
    assert str(caught.value) == (
        f"tracker 127.0.0.1:{port}: the port is in use; choose another one, or 0 for any free port"
    )


@pytest.mark.parametrize(("port", "host"), [(70000, "127.0.0.1"), (0, "203.0.113.1")])
def test_impossible_addresses(port: int, host: str) -> None:
    with pytest.raises(InputError, match=f"tracker {host}:{port}: cannot listen there"):
        Tracker(port, host).__enter__()


def test_a_tracker_is_used_in_its_block() -> None:
    with pytest.raises(InputError, match="outside its `with` block"):
        Tracker().wait()
