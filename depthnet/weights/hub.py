"""Files of the hub that timm's ImageNet weights lie on."""

from __future__ import annotations

import logging
import socket
from pathlib import Path
from urllib.parse import SplitResult, urlsplit
from urllib.request import getproxies, proxy_bypass

from depthbench.errors import InputError
from depthbench.one_line import one_line

logger = logging.getLogger(__name__)

CONNECT_TIMEOUT_S = 3.0
PORTS = {"http": 80, "https": 443}


def download(repository: str, filename: str) -> Path | None:
    """The file `filename` of a repository, over the network or from the cache.

    None when the hub cannot be reached and the cache has no copy. Raises InputError when the hub
    answers that there is no such file, or that it is not for everyone.
    """
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError
    from huggingface_hub.utils import httpx

    try:
        # The client retries for most of a minute before it believes that it has no network.
        return Path(hf_hub_download(repository, filename, local_files_only=not _can_be_reached()))
    except (LocalEntryNotFoundError, httpx.TransportError) as error:
        logger.debug("no %s of %s", filename, repository, exc_info=error)
        return None
    except HfHubHTTPError as error:
        raise InputError(
            f"{filename} of {repository}: {one_line(error)}",
            advice="HF_HUB_OFFLINE=1 does without the hub",
        ) from error


def _can_be_reached() -> bool:
    from huggingface_hub import constants

    if constants.HF_HUB_OFFLINE:
        return False
    address = _address(constants.ENDPOINT)
    port = address.port or PORTS[address.scheme]
    try:
        socket.create_connection((address.hostname or "", port), CONNECT_TIMEOUT_S).close()
    except OSError:
        return False
    return True


def _address(endpoint: str) -> SplitResult:
    """Where a connection to `endpoint` goes: to itself, or to the proxy on the way."""
    address = urlsplit(endpoint)
    proxy = getproxies().get(address.scheme)
    return urlsplit(proxy) if proxy and not proxy_bypass(address.hostname or "") else address
