"""Installs the bundle on a phone, once.

It lies in /data/local/tmp, the one folder that adb may write to and run programs from, under its
checksum. What is there is believed only after the phone has computed the files' checksums.
"""

from __future__ import annotations

import secrets
import shlex
from pathlib import PurePosixPath

from android_rpc.adb.client import Adb
from android_rpc.adb.phone_lock import PhoneLock
from android_rpc.bundle.bundle import Bundle
from depthbench.errors import DeviceError
from depthbench.progress import Progress

HOME = PurePosixPath("/data/local/tmp/depthbench")
CHECKSUM_S = 120.0


def install_bundle(
    lock: PhoneLock, bundle: Bundle, progress: Progress = lambda line: None
) -> tuple[PurePosixPath, bool]:
    """The bundle's folder on the phone, and whether it had to be pushed.

    A new copy takes the place of an old one whole or not at all. Raises DeviceError when the
    phone has no room for it, or does not hold afterwards what was sent.
    """
    adb = lock.adb
    folder = HOME / f"bundle-{bundle.sha256[:16]}"
    if _holds(adb, folder, bundle):
        return folder, False
    progress(f"pushing {bundle.size / 1e6:.1f} MB to phone {adb.serial}")
    incoming = HOME / f"incoming-{secrets.token_hex(8)}"
    with lock.folder(incoming):
        adb.shell(f"mkdir {incoming}/lib")
        for part in ("", "lib"):
            sources = [
                bundle.folder / path
                for path in bundle.files
                if str(PurePosixPath(path).parent) == (part or ".")
            ]
            adb.push(sources, f"{incoming}/{part}".rstrip("/"))
        if not _holds(adb, incoming, bundle):
            raise DeviceError(
                f"phone {adb.serial}: the files that were pushed arrived damaged",
                advice="try another cable or port",
            )
        adb.shell(f"rm -rf {folder} && mv {incoming} {folder}")
    return folder, True


def _holds(adb: Adb, folder: PurePosixPath, bundle: Bundle) -> bool:
    paths = " ".join(map(shlex.quote, bundle.files))
    script = f"cd {folder} 2>/dev/null && sha256sum {paths} 2>/dev/null; true"
    lines = (line.split(maxsplit=1) for line in adb.shell(script, CHECKSUM_S).splitlines())
    found = {line[1]: line[0] for line in lines if len(line) == 2}
    return found == {path: entry["sha256"] for path, entry in bundle.files.items()}
