"""The arm64 libraries of TVM's runtime, from its published wheels.

The wheels that the TVM project publishes for aarch64 hold the same runtime as the one on this
machine, built for any Linux with glibc 2.28. They are fetched with pip from the user's own
package index; only those with the checksums below are accepted.
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

from depthbench import cancellation
from depthbench.errors import ToolMissing
from depthbench.processes import run_program
from depthbench.progress import Progress

PLATFORMS = ("manylinux_2_28_aarch64", "manylinux_2_27_aarch64", "manylinux_2_24_aarch64")
DOWNLOAD_LIMIT_S = 1800


@dataclass(frozen=True)
class Wheel:
    """A published wheel, and the libraries in it that a phone needs."""

    project: str
    version: str
    sha256: str
    libraries: tuple[str, ...]

    @property
    def requirement(self) -> str:
        """The wheel as pip is asked for it."""
        return f"{self.project}=={self.version}"


WHEELS = (
    Wheel(
        "apache-tvm",
        "0.27.0.post1",
        "4acfdb7653e4e1ba7a707bdf2833db72eb8fda7d04d99141f2a4e1da43171fb7",
        ("tvm/lib/libtvm_runtime.so", "tvm/lib/libtvm_runtime_extra.so"),
    ),
    Wheel(
        "apache-tvm-ffi",
        "0.1.14.post1",
        "c7a759781d4fbf2b99fa12f2741f250b882b06acc2747bb02831d491d1ac7d3c",
        ("tvm_ffi/lib/libtvm_ffi.so",),
    ),
)


def check_installed() -> None:
    """ToolMissing unless this machine has TVM in the versions that go to the phone.

    Both ends of a session must speak the same version of TVM's RPC protocol.
    """
    for wheel in WHEELS:
        cancellation.check()
        try:
            version = importlib.metadata.version(wheel.project)
        except importlib.metadata.PackageNotFoundError:
            version = "none"
        if version != wheel.version:
            raise ToolMissing(
                f"{wheel.project} {wheel.version} is needed, installed is {version}",
                advice=f"pip install {wheel.requirement}",
            )


def header_folders() -> list[Path]:
    """The folders of C headers that the installed tvm-ffi brings (found without importing it)."""
    spec = importlib.util.find_spec("tvm_ffi")
    if spec is None or spec.origin is None:
        raise ToolMissing("tvm_ffi is not installed", advice="pip install apache-tvm-ffi")
    include = Path(spec.origin).parent / "include"
    if not (include / "tvm" / "ffi" / "c_api.h").is_file():
        advice = "install apache-tvm-ffi again"
        raise ToolMissing(f"{include}: no C headers of tvm-ffi", advice=advice)
    return [include]


def fetch_libraries(target: Path, progress: Progress = lambda line: None) -> dict[str, str]:
    """Puts the libraries of all wheels into the folder `target`; returns each one's origin by name.

    Raises ToolMissing, in one line, when pip cannot get a wheel or gets another one.
    """
    origins = {}
    for wheel in WHEELS:
        progress(f"downloading {wheel.requirement} for aarch64")
        with tempfile.TemporaryDirectory(prefix="wheel-", dir=target.parent) as scratch:
            archive = _download(wheel, Path(scratch))
            for name in extract_libraries(wheel, archive, target):
                origins[name] = wheel.requirement
    return origins


def extract_libraries(wheel: Wheel, archive: Path, target: Path) -> list[str]:
    """Unpacks the libraries of one downloaded wheel; ToolMissing if it is not the pinned one."""
    with archive.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    if digest != wheel.sha256:
        raise ToolMissing(
            f"{archive.name}: SHA-256 is {digest[:16]}..., expected {wheel.sha256[:16]}...; "
            "the package index serves another file than the TVM project published"
        )
    names = []
    with zipfile.ZipFile(archive) as members:
        for member in wheel.libraries:
            name = member.rsplit("/", 1)[-1]
            (target / name).write_bytes(members.read(member))
            names.append(name)
    return names


def _download(wheel: Wheel, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps"]
    command += ["--disable-pip-version-check", "--no-input", "--only-binary=:all:"]
    # The libraries do not depend on the version of Python: always the same wheel.
    command += ["--python-version", "3.11", "--implementation", "cp", "--dest", str(folder)]
    for platform in PLATFORMS:
        command += ["--platform", platform]
    problem = f"pip cannot get {wheel.requirement} for aarch64 (network or index?)"
    done = run_program([*command, wheel.requirement], problem, timeout_s=DOWNLOAD_LIMIT_S)
    archives = sorted(folder.glob("*.whl"))
    if len(archives) != 1:
        raise ToolMissing(f"{problem}: {done.reason}")
    return archives[0]
