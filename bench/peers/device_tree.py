"""The arm64 Python and its packages as folders for a device, where no glibc need be.

Each is kept on the device under its checksum, as TVM's bundle is: the interpreter with the few
libraries that it and the packages need, and a folder for each package, without what is not run.
"""

from __future__ import annotations

import py_compile
import shutil
import sys
import zipfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from android_rpc.bundle import tvm_wheels
from android_rpc.bundle.arm64_libraries import LOADER
from android_rpc.bundle.bundle import Bundle, bundle_of
from bench.peers.arm64_debian import kept
from bench.peers.arm64_python import Arm64Python, arm64_packages, arm64_python
from bench.peers.peer import OURS, PEERS
from depthbench.progress import Progress

LIBRARIES = (
    *(LOADER, "libc.so.6", "libm.so.6", "libdl.so.2", "libpthread.so.0", "librt.so.1"),
    *("libgcc_s.so.1", "libstdc++.so.6", "libgomp.so.1", "libz.so.1", "libexpat.so.1"),
    "libffi.so.8",
)
EXTENSIONS = ("_contextvars", "_ctypes", "_json", "_queue", "_typing")
LEFT_OUT_OF_PYTHON = ("lib-dynload", "pydoc_data", "test", "unittest", "*.so", "config-*")
# What the packages hold beside what runs a model.
LEFT_OUT = (
    *("*.dist-info", "*.pyi", "*.h", "*.a", "__pycache__", "bin", "include", "tests"),
    *("3rdparty", "src"),  # tvm_ffi
    *("f2py",),  # numpy
    *("datasets", "quantization", "tools", "transformers"),  # onnxruntime
    *("_tools.*",),  # MNN's converter
)
TVM_PACKAGES = ("numpy", "apache-tvm-ffi", "typing-extensions")


@dataclass(frozen=True)
class DevicePython:
    """The interpreter's folder, and those of each runtime's packages, to be installed."""

    version: str
    interpreter: Bundle
    packages: dict[str, Sequence[Bundle]]

    @property
    def bundles(self) -> list[Bundle]:
        """All folders, each once."""
        every = [self.interpreter, *(one for some in self.packages.values() for one in some)]
        return list({one.sha256: one for one in every}.values())

    def start(self, interpreter: PurePosixPath) -> list[str]:
        """The words that start the Python whose folder lies there."""
        lib = interpreter / "lib"
        program = interpreter / f"python{self.version}"
        return [str(lib / LOADER), "--library-path", str(lib), str(program)]


def device_python(runtimes: Iterable[str], progress: Progress = lambda line: None) -> DevicePython:
    """The Python for devices that runs these runtimes, from the cache or assembled now.

    Raises ToolMissing, in one line, when apt or pip cannot get something of it for arm64.
    """
    python = arm64_python(progress)
    return DevicePython(
        python.version,
        bundle_of(_interpreter(python)),
        {name: _packages(python, name, progress) for name in runtimes},
    )


def _interpreter(python: Arm64Python) -> Path:
    def make(scratch: Path) -> Path:
        folder = scratch / "interpreter"
        lib = folder / "lib"
        lib.mkdir(parents=True)
        shutil.copy(python.interpreter, folder)
        for name in LIBRARIES:
            shutil.copy(next(python.root.glob(f"**/aarch64-linux-gnu/{name}")), lib)
        standard = python.root / "usr" / "lib" / f"python{python.version}"
        for name in EXTENSIONS:
            for file in (standard / "lib-dynload").glob(f"{name}.*.so"):
                shutil.copy(file, lib)
        modules = scratch / "modules"
        shutil.copytree(standard, modules, ignore=shutil.ignore_patterns(*LEFT_OUT_OF_PYTHON))
        _compile(modules, python.version)
        archive = lib / f"python{python.version.replace('.', '')}.zip"
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_DEFLATED) as packed:
            for file in sorted(modules.rglob("*.py*")):
                packed.writestr(zipfile.ZipInfo(str(file.relative_to(modules))), file.read_bytes())
        return folder

    made_of = (python.root.name, sys.version_info[:2], LIBRARIES, EXTENSIONS, LEFT_OUT_OF_PYTHON)
    return kept("interpreter", made_of, make)


def _packages(python: Arm64Python, runtime: str, progress: Progress) -> list[Bundle]:
    names = TVM_PACKAGES if runtime == OURS else PEERS[runtime].packages
    folders = [
        _without(folder, python.version) for folder in arm64_packages(python, names, progress)
    ]
    if runtime == OURS:
        folders.append(_tvm_runtime(progress))
    return [bundle_of(folder) for folder in folders]


def _without(package: Path, version: str) -> Path:
    """A copy of a package's folder without what does not run a model."""

    def make(scratch: Path) -> Path:
        ignore = shutil.ignore_patterns(*LEFT_OUT)
        copy = shutil.copytree(package, scratch / "package", ignore=ignore)
        _compile(copy, version)
        return copy

    return kept(
        f"device-{package.name.split('-')[1]}", (package.name, sys.version_info[:2], LEFT_OUT), make
    )


def _compile(folder: Path, version: str) -> None:
    """Compile the modules in place of their sources, where this Python is of that version."""
    if version != f"{sys.version_info.major}.{sys.version_info.minor}":
        return
    for file in folder.rglob("*.py"):
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        name = str(file.relative_to(folder))
        if py_compile.compile(str(file), f"{file}c", name, quiet=2, invalidation_mode=mode):
            file.unlink()


def _tvm_runtime(progress: Progress) -> Path:
    def make(scratch: Path) -> Path:
        folder = scratch / "tvm-runtime"
        folder.mkdir()
        tvm_wheels.fetch_libraries(folder, progress)
        return folder

    return kept("tvm-runtime", tvm_wheels.WHEELS, make)
