"""A Python for arm64 with its packages, on this machine to be emulated.

Its interpreter and libraries come from Debian's packages for arm64 (arm64_debian.py); its packages
from wheels for arm64, fetched by pip from the user's own index. Nothing is installed into the
system.
"""

from __future__ import annotations

import importlib.metadata
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.peers.arm64_debian import LIMIT_S, kept, unpacked
from depthbench.errors import ToolMissing
from depthbench.processes import run_program
from depthbench.progress import Progress

PACKAGES = ("python3-minimal", "libpython3-stdlib", "libstdc++6", "libgomp1")
PLATFORMS = ("2_17", "2_24", "2_27", "2_28", "2_31", "2_34")
# What the kernel of a phone would say, for libraries that look for a CPU they know.
CPUINFO = """\
processor\t: 0
BogoMIPS\t: 52.00
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc \
dcpop asimddp ssbs
CPU implementer\t: 0x41
CPU architecture: 8
CPU variant\t: 0x4
CPU part\t: 0xd0b
CPU revision\t: 1

"""
CPU_FILES = {
    "proc/cpuinfo": CPUINFO,
    **{f"sys/devices/system/cpu/{name}": "0\n" for name in ("possible", "present", "online")},
    "sys/devices/system/cpu/cpu0/topology/physical_package_id": "0\n",
    "sys/devices/system/cpu/cpu0/regs/identification/midr_el1": "0x00000000414fd0b1\n",
}


@dataclass(frozen=True)
class Arm64Python:
    """An unpacked root with an interpreter."""

    root: Path

    @property
    def interpreter(self) -> Path:
        """For example usr/bin/python3.11 in the root."""
        return next(
            file
            for file in sorted((self.root / "usr" / "bin").glob("python3.*"))
            if file.suffix[1:].isdigit()
        )

    @property
    def version(self) -> str:
        """For example 3.11."""
        return self.interpreter.name.removeprefix("python")


def arm64_python(progress: Progress = lambda line: None) -> Arm64Python:
    """The interpreter, from the cache or unpacked now.

    Raises ToolMissing, in one line, when apt cannot get its packages for arm64.
    """
    root = unpacked("python", "Python", PACKAGES, CPU_FILES, progress)
    return Arm64Python(root)


def arm64_packages(
    python: Arm64Python, names: Sequence[str], progress: Progress = lambda line: None
) -> list[Path]:
    """The folders, one a package, that hold the packages `names` for `python`.

    In the versions installed here, from the cache or fetched now. Raises ToolMissing, in one line,
    when one is not installed here or has no wheel for arm64.
    """
    return [_package(python, name, progress) for name in names]


def _package(python: Arm64Python, name: str, progress: Progress) -> Path:
    try:
        wanted = f"{name}=={importlib.metadata.version(name)}"
    except importlib.metadata.PackageNotFoundError as error:
        raise ToolMissing(f"{name} is not installed", advice=f"pip install {name}") from error

    def make(scratch: Path) -> Path:
        progress(f"fetching {wanted} for arm64")
        target = scratch / "package"
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-compile"]
        command += ["--disable-pip-version-check", "--no-input", "--only-binary=:all:"]
        command += ["--python-version", python.version, "--implementation", "cp"]
        command += [f"--platform=manylinux_{version}_aarch64" for version in PLATFORMS]
        run_program(
            [*command, "--target", str(target), wanted],
            f"pip cannot get {wanted} for arm64",
            timeout_s=LIMIT_S,
        )
        return target

    return kept(name.lower(), (python.version, wanted), make)
