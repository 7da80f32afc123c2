"""The files of a package that are text with the network's name in it."""

from __future__ import annotations

import platform
from pathlib import Path

from compile.package.bindings.naming import identifier, java_package

HERE = Path(__file__).parent
API_VERSION = "1"
"""DEPTH_API_VERSION of depth.h."""

_PROCESSORS = {"aarch64": "aarch64|arm64", "x86_64": "x86_64|AMD64|amd64"}


def python_module(name: str) -> dict[str, str]:
    """`python/NAME.py`, which finds the library beside it or in `../lib`."""
    text = (HERE / "python" / "depth_network.py").read_text(encoding="utf-8")
    text = text.replace("libnetwork.so", f"lib{name}.so")
    text = text.replace("from network import", f"from {identifier(name)} import")
    return {f"python/{identifier(name)}.py": text}


def java_sources(name: str) -> dict[str, str]:
    """The Java classes, by their paths below a folder of sources."""
    package = java_package(name)
    folder = package.replace(".", "/")
    sources = {}
    for file in sorted((HERE / "java").glob("*.java")):
        text = file.read_text(encoding="utf-8").replace("depthbench.network", package)
        text = text.replace('loadLibrary("network")', f'loadLibrary("{name}")')
        text = text.replace("library {@code network}", f"library {{@code {name}}}")
        sources[f"{folder}/{file.name}"] = text
    return sources


def build_files(name: str, target: str) -> dict[str, str]:
    """The CMake package and the pkg-config file."""
    machine = platform.machine() if target == "host" else "aarch64"
    values = {
        "NAME": name,
        "TARGET": target,
        "API_VERSION": API_VERSION,
        "PROCESSORS": _PROCESSORS.get(machine, machine),
    }
    return {
        f"cmake/{name}Config.cmake": _filled("cmake/Config.cmake", values),
        f"cmake/{name}ConfigVersion.cmake": _filled("cmake/ConfigVersion.cmake", values),
        f"pkgconfig/{name}.pc": _filled("pkgconfig/network.pc", values),
    }


def _filled(template: str, values: dict[str, str]) -> str:
    text = (HERE / template).read_text(encoding="utf-8")
    for word, value in values.items():
        text = text.replace(f"@{word}@", value)
    return text
