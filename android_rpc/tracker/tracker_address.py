"""How a device at a tracker is written: tracker:HOST:PORT/KEY."""

from __future__ import annotations

import re
from typing import NamedTuple

from depthbench.errors import InputError

FORM = "tracker:HOST:PORT/KEY"
EXAMPLE = "tracker:127.0.0.1:9190/arm64-a76"
PATTERN = re.compile(r"tracker:(?P<host>[^:/\s]+):(?P<port>\d{1,5})/(?P<key>[\w.-]{1,100})")


class TrackerAddress(NamedTuple):
    """The devices with one key at the tracker at a host and port."""

    host: str
    port: int
    key: str


def parse_device(specification: str) -> TrackerAddress:
    """The address in tracker:HOST:PORT/KEY; InputError for anything else."""
    if address := _parse(specification):
        return address
    raise InputError(
        f"{specification!r}: not a device at a tracker",
        advice=f"write {FORM}, for example {EXAMPLE}",
    )


def parse_tracker(address: str, key: str | None) -> tuple[str, int, str | None]:
    """Host, port and key of HOST:PORT and a key, if there is one; InputError if they are none."""
    parsed = _parse(f"tracker:{address}/{key or 'any'}")
    if parsed is None:
        raise InputError(
            f"tracker {address!r}, key {key!r}: no address",
            advice="write HOST:PORT, for example 127.0.0.1:9190, and a key of letters, digits "
            "and -_.",
        )
    return parsed.host, parsed.port, key


def _parse(text: str) -> TrackerAddress | None:
    match = PATTERN.fullmatch(text)
    if match is None or not 0 < int(match["port"]) < 65536:
        return None
    return TrackerAddress(match["host"], int(match["port"]), match["key"])
