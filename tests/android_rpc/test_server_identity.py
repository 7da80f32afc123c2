"""What a client makes of what a server says it is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from android_rpc.server_identity import ServerIdentity, parse_identity

PHONE = """platform=hardware
signs=
cores=0:51df805e,4:51df804e
midr=51df804e
counter_hz=19200000
build=0123456789abcdef
"""


def test_a_phone() -> None:
    identity = parse_identity(PHONE)
    assert identity == ServerIdentity(
        platform="hardware",
        cores={"0": "51df805e", "4": "51df804e"},
        midr="51df804e",
        counter_hz=19_200_000,
        build="0123456789abcdef",
    )
    assert identity.emulated is False


@pytest.mark.parametrize(
    ("platform", "emulated"),
    [("emulator", True), ("virtual machine", False), ("unknown", None), ("Hardware", None)],
)
def test_only_what_is_known_is_told(platform: str, emulated: bool | None) -> None:
    identity = parse_identity(PHONE.replace("hardware", platform))
    assert identity.emulated is emulated


@given(st.text(max_size=200) | st.text("platform=hardware\n,:0", max_size=60))
def test_garbage_is_unknown_or_as_it_says(text: str) -> None:
    identity = parse_identity(text)
    assert identity.platform == "unknown" or f"platform={identity.platform}" in text
