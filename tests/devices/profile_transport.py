"""A device that is a profile: its shell is this machine's, and its files are those of a folder."""

from __future__ import annotations

import subprocess
from pathlib import Path, PurePosixPath

from android_rpc.transport import REQUEST_S, Transport
from depthbench.errors import RequestRefused
from tests.devices.file_tree import write_tree
from tests.devices.profile import Profile

ROOTS = ("/sys/", "/proc/cpuinfo", "/etc/")
SPACE = """echo 'Filesystem 1K-blocks Used Available Use% Mounted on'
echo '/dev/block/dm-40 111000000 61000000 50000000 55% /data'
"""


class ProfileTransport(Transport):
    """Runs scripts for the device of `profile`, whose files are put into `folder`."""

    noun = "phone"

    def __init__(self, profile: Profile, folder: Path) -> None:
        self.profile = profile
        self.serial = profile.serial
        kind = "adb" if profile.android else "ssh"
        self.name = f"{kind}:{profile.serial}"
        self.folder = folder
        write_tree(profile, folder)
        programs = folder / "system/bin"
        programs.mkdir(parents=True, exist_ok=True)
        for name, text in {"uname": "echo aarch64\n", "df": SPACE}.items():
            (programs / name).write_text(f"#!/bin/sh\n{text}")
            (programs / name).chmod(0o755)

    @property
    def home(self) -> PurePosixPath:
        """A folder there."""
        return PurePosixPath("/data/local/tmp/depthbench")

    @property
    def connected(self) -> bool:
        """It always answers."""
        return True

    def shell(self, script: str, timeout_s: float = REQUEST_S) -> str:
        """What the script prints when it finds the device's files in place of this machine's."""
        for root in ROOTS:
            script = script.replace(root, f"{self.folder}{root}")
        done = subprocess.run(
            ["/bin/sh", "-c", script],
            env={"PATH": f"{self.folder}/system/bin:/usr/bin:/bin"},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
        )
        if done.returncode:
            raise RequestRefused(f"{self}: exit code {done.returncode}")
        return done.stdout.replace(str(self.folder), "")

    def write(self, path: str, text: object) -> None:
        """Changes a file of the device."""
        file = self.folder / path.lstrip("/")
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{text}\n")
