"""Whether the hub of pretrained weights can be reached."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch
from urllib.parse import urlsplit

CONNECT_TIMEOUT_S = 3.0


@contextmanager
def hub_or_cache() -> Iterator[None]:
    """Put the hub's client into offline mode for the block when the hub does not answer.

    The client itself retries for most of a minute before it gives up; offline, it goes
    straight to its cache. A cached copy is used either way.
    """
    from huggingface_hub import constants

    address = urlsplit(constants.ENDPOINT)
    offline = constants.HF_HUB_OFFLINE
    if not offline:
        try:
            port = address.port or (80 if address.scheme == "http" else 443)
            socket.create_connection((address.hostname or "", port), CONNECT_TIMEOUT_S).close()
        except OSError:
            offline = True
    with patch.object(constants, "HF_HUB_OFFLINE", offline):
        yield
