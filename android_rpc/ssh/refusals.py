"""Why OpenSSH did not connect, and what to do.

Its exit code is 255 for everything, so its own lines must tell; they are in no language but
English (OpenSSH's sshconnect.c, sshconnect2.c, clientloop.c).
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from android_rpc.ssh.address import ssh_words
from depthbench.errors import DeviceError
from depthbench.one_line import one_line

# A phrase of ssh's, what it means, and what to do; {address} is what follows `ssh`.
REASONS: Sequence[tuple[str, str, str]] = (
    (
        "HOST IDENTIFICATION HAS CHANGED",
        "its host key is not the one that is known here{where}",
        "if it has a new system, remove the old key with `ssh-keygen -R` and confirm the new one "
        "with `ssh {address}`; if not, somebody may be in between",
    ),
    (
        "Host key verification failed",
        "its host key is not known here",
        "run `ssh {address}` once, compare the key and confirm it",
    ),
    (
        "Permission denied",
        "it does not let this user in without a password{methods}",
        "give it your key with `ssh-copy-id {address}`, or load the key into ssh-agent",
    ),
    (
        "Could not resolve hostname",
        "no such host",
        "give its address, or a name of ~/.ssh/config",
    ),
    (
        "Connection refused",
        "no ssh server answers there",
        "start sshd on it, or give its port: ssh:USER@HOST:PORT",
    ),
    ("timed out", "it does not answer", "see that it is up and in reach"),
    ("No route to host", "it does not answer", "see that it is up and in reach"),
    ("Network is unreachable", "it does not answer", "see that this machine has a network"),
    (
        "Too many authentication failures",
        "it was offered too many keys",
        "name the key for it in ~/.ssh/config (IdentityFile, IdentitiesOnly yes)",
    ),
)
OFFENDING = re.compile(r"^Offending .*key in (?P<where>.+)$", re.MULTILINE)
METHODS = re.compile(r"Permission denied \((?P<methods>[^)]*)\)")


def refusal(address: str, log: str) -> DeviceError:
    """The error of a connection that did not come up, by what ssh has written."""
    where, methods = OFFENDING.search(log), METHODS.search(log)
    facts = {
        "address": ssh_words(address),
        "where": f" (in {where['where'].strip()})" if where else "",
        "methods": f" (it takes: {methods['methods']})" if methods else "",
    }
    for phrase, meaning, advice in REASONS:
        if phrase in log:
            return DeviceError(
                f"board {address}: {meaning.format(**facts)}", advice=advice.format(**facts)
            )
    return DeviceError(
        f"board {address}: ssh did not connect: {one_line(log)}",
        advice=f"see that `ssh {facts['address']} true` works",
    )
