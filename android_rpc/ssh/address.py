"""Addresses of boards: `USER@HOST`, or a `HOST` of the user's ssh configuration, perhaps a port."""

from __future__ import annotations

import re

from depthbench.errors import InputError

FORM = "ssh:USER@HOST"
# A word that begins with - would be an option of ssh.
USER = r"(?P<user>[\w.][\w.+-]*)"
HOST = r"(?P<host>\w[\w.-]*|\[[0-9A-Fa-f:]+\])"
ADDRESS = re.compile(rf"(?:{USER}@)?{HOST}(?::(?P<port>\d{{1,5}}))?", re.ASCII)


def parse_address(specification: str) -> str:
    """The address in ssh:[USER@]HOST[:PORT]; InputError for anything else."""
    kind, _, address = specification.partition(":")
    match = ADDRESS.fullmatch(address)
    if kind != "ssh" or not match or not 0 < int(match["port"] or 22) < 1 << 16:
        advice = f"write {FORM}, or {FORM}:PORT"
        raise InputError(f"{specification!r}: not a board that ssh can reach", advice=advice)
    return address


def ssh_words(address: str) -> str:
    """What a person types after `ssh` to reach it."""
    match = ADDRESS.fullmatch(address)
    assert match is not None
    host = match["host"].strip("[]")
    named = f"{match['user']}@{host}" if match["user"] else host
    return f"-p {match['port']} {named}" if match["port"] else named
