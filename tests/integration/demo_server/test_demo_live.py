"""The demo's WebSocket: orders, frames, maps, and peers that do not keep the rules."""

from __future__ import annotations

import asyncio
import struct

import pytest

from android_rpc.demo.running_demo import RunningDemo
from tests.integration.demo_server.peer import (
    Browser,
    Map,
    RawSocket,
    ask,
    browse,
    frame,
    masked,
    next_event,
    open_browser,
)

TEXT, BINARY, CLOSE, PING, PONG = 1, 2, 8, 9, 10
LAST = 0x80


def test_a_frame_becomes_a_map(demo: RunningDemo) -> None:
    async def visit(browser: Browser) -> None:
        loaded = await browser.load("quick", threads=2, cpus=[0, 1])
        assert loaded["package"] == "quick"
        assert (loaded["threads"], loaded["cpus"]) == (2, [0, 1])
        assert loaded["load_ms"] > 0
        for number, width, height, rotation in ((9, 8, 6, 90), (2**32 - 1, 1, 1, 270)):
            await browser.show(frame(number, width, height, rotation, first=200))
            found = await browser.hear()
            assert isinstance(found, Map)
            assert (found.number, found.width, found.height) == (number, 4, 3)
            assert found.values[:2] == (200, rotation)
            assert found.forward_ms == 1.5  # as the stand-in tells
            assert found.frame_ms > 0

    browse(demo.url, visit)


def test_the_largest_frame_is_taken(demo: RunningDemo) -> None:
    async def visit(browser: Browser) -> None:
        await browser.load("quick")
        await browser.show(frame(1, 1920, 1920))
        assert isinstance(await browser.hear(), Map)

    browse(demo.url, visit)


def test_frames_are_dropped_and_never_queued(demo: RunningDemo) -> None:
    async def visit(browser: Browser) -> None:
        await browser.load("slow")
        for number in range(20):
            await browser.show(frame(number))
        seen: list[int] = []
        while not seen or seen[-1] != 19:
            found = await browser.hear()
            assert isinstance(found, Map)
            seen.append(found.number)
        assert seen == sorted(seen)
        assert len(seen) < 20

    browse(demo.url, visit)


def test_a_benchmark_is_run_and_kept(demo: RunningDemo) -> None:
    async def visit(browser: Browser) -> None:
        await browser.load("slow")
        await browser.tell("benchmark", warm_up=1, runs=12)
        progress = await browser.hear_of("progress")
        assert (progress["runs"], 0 < progress["done"] < 12) == (12, True)
        result = await browser.hear_of("benchmark")
        assert result["milliseconds"] == [30.5] * 12
        await browser.tell("record", benchmark=result["benchmark"])
        await browser.hear_of("recorded")
        await browser.tell("record", benchmark=result["benchmark"] + 1)
        assert (await browser.hear_of("error"))["code"] == "unknown_benchmark"

    browse(demo.url, visit)
    event = next_event(demo, "record")
    assert event["package"] == "slow"
    assert event["threads"] == 2
    assert event["record"] == {"warm_up": 1, "runs": 12, "first": 30.5}


def test_a_benchmark_can_be_stopped(demo: RunningDemo) -> None:
    async def visit(browser: Browser) -> None:
        await browser.load("slow")
        await browser.tell("benchmark", runs=10000)
        await browser.hear_of("progress")
        await browser.tell("stop")
        assert 0 < (await browser.hear_of("stopped"))["done"] < 10000
        await browser.tell("record", benchmark=1)
        assert (await browser.hear_of("error"))["code"] == "unknown_benchmark"
        for kind in ("benchmark", "benchmark", "stop"):
            await browser.tell(kind)
        for _ in range(2):
            assert (await browser.hear_of("stopped"))["done"] < 300
        await browser.tell("benchmark", warm_up=0, runs=1)
        assert len((await browser.hear_of("benchmark"))["milliseconds"]) == 1

    browse(demo.url, visit)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ('{"type":"load","package":"nothing"}', "unknown_package"),
        ('{"type":"load","package":"quick","threads":9}', "no_thread"),
        ('{"type":"load","package":"quick","threads":-1}', "bad_message"),
        ('{"type":"load","package":"quick","cpus":[1024]}', "bad_message"),
        ('{"type":"load","package":5}', "bad_message"),
        ('{"type":"benchmark"}', "not_loaded"),
        ('{"type":"benchmark","runs":0}', "bad_message"),
        ('{"type":"benchmark","runs":10001}', "bad_message"),
        ('{"type":"record"}', "bad_message"),
        ('{"type":"else"}', "bad_message"),
        ("[]", "bad_message"),
        ("", "bad_message"),
        ("[" * 4000, "bad_message"),
    ],
)
def test_a_wrong_order_is_answered(demo: RunningDemo, text: str, code: str) -> None:
    async def visit(browser: Browser) -> None:
        await browser.socket.write_message(text)
        assert (await browser.hear_of("error"))["code"] == code

    browse(demo.url, visit)


@pytest.mark.parametrize(
    "wrong",
    [
        b"",
        frame(1)[:15],
        frame(1)[:-1],
        frame(1) + b"x",
        b"FRMD" + frame(1)[4:],
        frame(1, rotation=45),
        frame(1)[:14] + b"\1\0" + frame(1)[16:],
        struct.pack("<4sIHHHH", b"DFRM", 1, 0, 6, 0, 0),
        struct.pack("<4sIHHHH", b"DFRM", 1, 1921, 1, 0, 0) + bytes(1921 * 4),
    ],
    ids=range(9),
)
def test_a_wrong_frame_is_answered(demo: RunningDemo, wrong: bytes) -> None:
    async def visit(browser: Browser) -> None:
        await browser.load("quick")
        await browser.show(wrong)
        assert (await browser.hear_of("error"))["code"] == "bad_frame"
        await browser.show(frame(3))
        assert isinstance(await browser.hear(), Map)

    browse(demo.url, visit)


def test_a_network_that_fails_is_told(demo: RunningDemo) -> None:
    async def visit(browser: Browser) -> None:
        await browser.show(frame(1))
        assert (await browser.hear_of("error"))["code"] == "not_loaded"
        await browser.load("failing")
        for order in (browser.show(frame(1)), browser.tell("benchmark")):
            await order
            error = await browser.hear_of("error")
            assert error["code"] == "failed"
            assert error["message"] == "the stand-in was told to fail"

    browse(demo.url, visit)


def test_a_second_browser_is_told_that_it_is_in_use(demo: RunningDemo) -> None:
    async def visit(first: Browser) -> None:
        await first.load("quick")
        second = await open_browser(demo.url)
        assert await second.hear() is None
        assert second.socket.close_code == 4001
        await first.show(frame(1))
        assert isinstance(await first.hear(), Map)

    browse(demo.url, visit)
    browse(demo.url, lambda browser: browser.tell("stop"))


def test_what_one_browser_loaded_the_next_does_not_have(demo: RunningDemo) -> None:
    async def load(browser: Browser) -> None:
        await browser.load("slow")
        await browser.show(frame(1))

    async def ask_for_map(browser: Browser) -> None:
        await browser.show(frame(2))
        assert (await browser.hear_of("error"))["code"] == "not_loaded"

    browse(demo.url, load)
    browse(demo.url, ask_for_map)


@pytest.mark.parametrize("until", [1, 10, 16, 100])
def test_a_browser_leaves_in_the_middle_of_a_frame(demo: RunningDemo, until: int) -> None:
    with RawSocket(demo.url) as browser:
        browser.send(masked(TEXT, b'{"type":"load","package":"slow"}') + masked(BINARY, frame(1)))
        browser.send(masked(BINARY, frame(2, 64, 48))[:until])

    async def visit(browser: Browser) -> None:
        await browser.load("quick")

    browse(demo.url, visit)


def test_the_handshake_is_that_of_the_standard(demo: RunningDemo) -> None:
    with RawSocket(demo.url) as browser:
        # RFC 6455, 1.3
        assert b"Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in browser.head
        assert browser.head.startswith(b"HTTP/1.1 101 ")


@pytest.mark.parametrize(
    ("fields", "status"),
    [
        ({}, 400),
        ({"Sec-WebSocket-Version": "8"}, 426),
        ({"Sec-WebSocket-Key": "short"}, 400),
        ({"Upgrade": "h2c"}, 400),
    ],
)
def test_what_is_no_handshake_is_refused(
    demo: RunningDemo, fields: dict[str, str], status: int
) -> None:
    usual = {
        "Origin": demo.url.rsplit("/", 2)[0],
        "Upgrade": "websocket",
        "Connection": "keep-alive, Upgrade",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
    }
    sent = usual | fields if fields else {"Origin": usual["Origin"]}
    assert ask(demo.url, "live", "GET", None, **sent)[0] == status


def test_fragments_are_joined_and_pings_answered_between(demo: RunningDemo) -> None:
    with RawSocket(demo.url) as browser:
        browser.send(masked(TEXT, b'{"type":', last=False) + masked(PING, b"here"))
        browser.send(masked(0, b"", last=False) + masked(0, b'"else"}'))
        assert browser.read_frame() == (LAST | PONG, b"here")
        first, payload = browser.read_frame()
        assert first == LAST | TEXT
        assert b"bad_message" in payload
        browser.send(masked(CLOSE, struct.pack(">H", 1000) + "auf Wiedersehen ü".encode()))
        assert browser.read_frame() == (LAST | CLOSE, struct.pack(">H", 1000))


PROTOCOL, NO_UTF8, TOO_BIG = 1002, 1007, 1009


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"\x81\x02hi", PROTOCOL),  # not masked
        (masked(TEXT, b"{}", reserved=4), PROTOCOL),
        (masked(3, b""), PROTOCOL),
        (masked(11, b""), PROTOCOL),
        (masked(0, b"nothing before it"), PROTOCOL),
        (masked(TEXT, b"{", last=False) + masked(TEXT, b"}"), PROTOCOL),
        (masked(PING, b"", last=False), PROTOCOL),
        (masked(PING, bytes(126)), PROTOCOL),
        (masked(CLOSE, b"x"), PROTOCOL),
        (masked(CLOSE, struct.pack(">H", 1005)), PROTOCOL),
        (masked(CLOSE, struct.pack(">H", 1000) + b"\xff"), NO_UTF8),
        (masked(TEXT, b'"\xed\xa0\x80"'), NO_UTF8),  # a surrogate
        (masked(TEXT, bytes(4097)), TOO_BIG),
        (b"\x82\xff" + b"\xff" * 8 + b"mask", TOO_BIG),
        (b"\x82\xff" + (16 + 1920 * 1920 * 4 + 1).to_bytes(8, "big") + b"mask", TOO_BIG),
        (masked(TEXT, bytes(4000), last=False) + masked(0, bytes(97)), TOO_BIG),
    ],
    ids=range(16),
)
def test_who_breaks_the_rules_is_closed_with_a_code(
    demo: RunningDemo, sent: bytes, code: int
) -> None:
    with RawSocket(demo.url) as browser:
        browser.send(sent)
        assert browser.read_frame() == (LAST | CLOSE, struct.pack(">H", code))

    async def nothing(browser: Browser) -> None:
        await asyncio.sleep(0)

    browse(demo.url, nothing)
