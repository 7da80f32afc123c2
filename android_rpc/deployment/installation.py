"""Installs the bundle, or another folder of files, on a phone or board, once.

It lies in depthbench's folder there, under its checksum. What is there is believed only after
that machine has computed the files' checksums.
"""

from __future__ import annotations

import secrets
import shlex
from pathlib import Path, PurePosixPath

from android_rpc.bundle.bundle import Bundle
from android_rpc.deployment.device_lock import DeviceLock
from android_rpc.transport import Transport
from depthbench.errors import DeviceError
from depthbench.progress import Progress

CHECKSUM_S = 120.0
NO_CHECKSUMS = "depthbench-no-sha256sum"


def install_bundle(
    lock: DeviceLock, bundle: Bundle, progress: Progress = lambda line: None
) -> tuple[PurePosixPath, bool]:
    """The bundle's folder there, and whether it had to be pushed.

    A new copy takes the place of an old one whole or not at all. Raises DeviceError when the
    machine has no room for it, or does not hold afterwards what was sent.
    """
    transport = lock.transport
    folder = place_of(transport, bundle)
    if _holds(transport, folder, bundle):
        return folder, False
    progress(f"pushing {bundle.size / 1e6:.1f} MB to {transport}")
    incoming = transport.home / f"incoming-{secrets.token_hex(8)}"
    with lock.folder(incoming):
        parts: dict[PurePosixPath, list[Path]] = {}
        for path in bundle.files:
            parts.setdefault(incoming / PurePosixPath(path).parent, []).append(bundle.folder / path)
        transport.shell(f"mkdir -p {' '.join(map(str, parts))}")
        for part, sources in parts.items():
            transport.push(sources, str(part))
        if not _holds(transport, incoming, bundle):
            raise DeviceError(
                f"{transport}: the files that were pushed arrived damaged",
                advice="try another cable or port",
            )
        transport.shell(f"rm -rf {folder} && mv {incoming} {folder}")
    return folder, True


def place_of(transport: Transport, bundle: Bundle) -> PurePosixPath:
    """The folder in which a bundle lies there, once it is installed."""
    return transport.home / f"bundle-{bundle.sha256[:16]}"


def _holds(transport: Transport, folder: PurePosixPath, bundle: Bundle) -> bool:
    paths = " ".join(map(shlex.quote, bundle.files))
    script = (
        f"command -v sha256sum >/dev/null || echo {NO_CHECKSUMS}; "
        f"cd {folder} 2>/dev/null && sha256sum {paths} 2>/dev/null; true"
    )
    printed = transport.shell(script, CHECKSUM_S).splitlines()
    if NO_CHECKSUMS in printed:
        raise DeviceError(
            f"{transport} has no sha256sum, by which the bundle is checked",
            advice="install coreutils there, or a busybox that has it",
        )
    lines = (line.split(maxsplit=1) for line in printed)
    found = {line[1]: line[0] for line in lines if len(line) == 2}
    return found == {path: entry["sha256"] for path, entry in bundle.files.items()}
