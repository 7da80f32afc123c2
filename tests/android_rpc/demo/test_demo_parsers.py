"""The demo server's C functions that read what browsers send, against Python's own."""

from __future__ import annotations

import base64
import contextlib
import ctypes
import hashlib
import json
import math
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from android_rpc.telemetry.thermal import parse_zones

FAST = settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
MAX_DEPTH = 16
GUID = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"  # RFC 6455, 1.3

VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)


class Json(ctypes.Structure):
    _fields_ = (("text", ctypes.c_void_p), ("end", ctypes.c_void_p))


class Text:
    """A text of JSON in memory that stays, as the server reads it."""

    def __init__(self, library: ctypes.CDLL, text: bytes) -> None:
        self._library = library
        self.buffer = ctypes.create_string_buffer(text, len(text) + 1)
        self.value = Json()
        self.valid = not library.json_read(
            self.buffer, ctypes.c_size_t(len(text)), ctypes.byref(self.value)
        )

    def string(self, capacity: int = 4096) -> str | None:
        """The value as a string, where it is one."""
        out = ctypes.create_string_buffer(capacity)
        if self._library.json_string(self.value, out, ctypes.c_size_t(capacity)):
            return None
        return out.value.decode()

    def member(self, name: str) -> Any:
        """A member of an object, as Python reads the part of the text; KeyError without one."""
        found = Json()
        if self._library.json_member(self.value, name.encode(), ctypes.byref(found)):
            raise KeyError(name)
        return json.loads(ctypes.string_at(found.text, found.end - found.text))


def python_reads(text: bytes) -> bool:
    def refuse(constant: str) -> None:
        raise ValueError(f"{constant} is no JSON")

    with contextlib.suppress(ValueError, RecursionError):
        json.loads(text.decode(), parse_constant=refuse)
        return True
    return False


def depth(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max(map(depth, inner), default=0) if isinstance(value, dict | list) else 1


@FAST
@given(VALUES, st.booleans())
def test_what_python_writes_is_read(demo_library: ctypes.CDLL, value: Any, ascii_: bool) -> None:
    with contextlib.suppress(UnicodeEncodeError):  # a lone surrogate
        text = json.dumps(value, ensure_ascii=ascii_, indent=1).encode()
        assert Text(demo_library, text).valid == (depth(value) <= MAX_DEPTH)


@FAST
@given(st.binary(max_size=40) | st.text('{}[]":,\\u0123456789abcdefntrl.-+eE \n', max_size=40))
@example(b"01")
@example(b"1.")
@example(b"-")
@example(b'"\\x"')
@example(b'{"a":1,}')
@example(b"[1,]")
@example(b"nul")
@example(b"\xef\xbb\xbf1")
@example(b"")
def test_what_python_refuses_is_refused(demo_library: ctypes.CDLL, text: bytes | str) -> None:
    content = text.encode() if isinstance(text, str) else text
    if b"\0" not in content:
        assert Text(demo_library, content).valid == python_reads(content)


@pytest.mark.parametrize("depth", [MAX_DEPTH, MAX_DEPTH + 1, 100_000])
def test_depth_is_bounded(demo_library: ctypes.CDLL, depth: int) -> None:
    assert Text(demo_library, b"[" * depth + b"]" * depth).valid == (depth <= MAX_DEPTH)


@FAST
@given(st.text(st.characters(exclude_categories=["Cs"], min_codepoint=1), max_size=60))
def test_strings_are_python_s(demo_library: ctypes.CDLL, text: str) -> None:
    for ascii_ in (True, False):
        content = json.dumps(text, ensure_ascii=ascii_).encode()
        assert Text(demo_library, content).string() == text
        size = len(text.encode())
        assert Text(demo_library, content).string(size + 1) == text
        assert Text(demo_library, content).string(max(size, 1)) == (None if size else "")


@pytest.mark.parametrize(
    "text", [b'"\\u0000"', b'"\\ud800"', b'"\\ud800\\u0041"', b'"\\udc00"', b"1"]
)
def test_what_is_no_c_string_is_refused(demo_library: ctypes.CDLL, text: bytes) -> None:
    assert Text(demo_library, text).valid
    assert Text(demo_library, text).string() is None


@FAST
@given(st.dictionaries(st.text("abc", max_size=2), VALUES, max_size=5))
def test_members_are_found(demo_library: ctypes.CDLL, values: dict[str, Any]) -> None:
    text = Text(demo_library, json.dumps(values).encode())
    assume(depth(values) <= MAX_DEPTH)
    assert text.valid
    for name in ("", "a", "ab", "b", "c"):
        if name in values:
            assert text.member(name) == values[name]
        else:
            with pytest.raises(KeyError):
                text.member(name)


@FAST
@given(st.integers(-(2**40), 2**40), st.integers(-100, 100), st.integers(-100, 10**6))
def test_integers_have_bounds(
    demo_library: ctypes.CDLL, number: int, least: int, most: int
) -> None:
    found = ctypes.c_int32()
    value = Text(demo_library, str(number).encode()).value
    refused = demo_library.json_integer(value, least, most, ctypes.byref(found))
    assert (not refused) == (least <= number <= most)
    assert refused or found.value == number


@FAST
@given(
    st.binary(max_size=12)
    | st.text(max_size=6).map(lambda text: text.encode("utf-8", "surrogatepass"))
)
@example(b"\xc0\x80")
@example(b"\xed\xa0\x80")
@example(b"\xf4\x90\x80\x80")
@example(b"\xf0\x80\x80\x80")
def test_utf8_is_python_s(demo_library: ctypes.CDLL, content: bytes) -> None:
    valid = True
    try:
        content.decode()
    except UnicodeDecodeError:
        valid = False
    assert bool(demo_library.utf8_valid(content, ctypes.c_size_t(len(content)))) == valid


@FAST
@given(st.binary(min_size=16, max_size=16))
def test_a_handshake_is_answered_as_the_standard_says(
    demo_library: ctypes.CDLL, nonce: bytes
) -> None:
    key = base64.b64encode(nonce)
    accept = ctypes.create_string_buffer(29)
    assert demo_library.websocket_accept(key, accept) == 0
    digest = hashlib.sha1(key + GUID.encode(), usedforsecurity=False).digest()
    assert accept.value == base64.b64encode(digest)


@FAST
@given(st.integers(-200_000, 200_000))
def test_temperatures_are_those_of_rpc_measure(demo_library: ctypes.CDLL, value: int) -> None:
    zones = parse_zones({"/z/type": "cpu", "/z/temp": str(value)})
    celsius = ctypes.c_double(math.nan)
    refused = demo_library.parse_temperature(f"{value}\n".encode(), ctypes.byref(celsius))
    assert ({} if refused else {"cpu": celsius.value}) == zones
