"""Stand-ins for packages, and the demo's server with them on this machine."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from android_rpc.bundle.native_program import HOST_TRIPLE
from android_rpc.demo.demo_program import HEADER
from android_rpc.demo.running_demo import RunningDemo
from android_rpc.demo.start_demo import start_demo


def build_stand_in(library: Path, triple: str = HOST_TRIPLE, *more: str) -> Path:
    """Compiles a stand-in for a package; its name says what it does. `more` goes to the linker."""
    command = [sys.executable, "-m", "ziglang", "cc", "-target", triple, "-shared", "-fPIC", "-s"]
    command += [f"-I{HEADER.parent}", str(Path(__file__).parent / "stand_in.c")]
    subprocess.run([*command, *more, "-o", str(library)], check=True)
    return library


@pytest.fixture(scope="session")
def stand_in(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """A stand-in under a name."""
    made = build_stand_in(tmp_path_factory.mktemp("stand-ins") / "made")
    return lambda name: Path(shutil.copy(made, made.with_name(f"lib{name}.so")))


@pytest.fixture(scope="session")
def libraries(stand_in: Callable[[str], Path]) -> list[Path]:
    return [stand_in(name) for name in ("quick", "slow", "failing")]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A page's folder with what may be served, and what may not."""
    folder = tmp_path_factory.mktemp("page")
    for name in ("index.html", "main.js", "style.css", "icon.svg", "secret.txt", ".hidden.js"):
        (folder / name).write_text(f"this is {name}")
    (folder.parent / "outside.js").write_text("not of the page")
    return folder


@pytest.fixture(scope="module")
def demo(libraries: list[Path], page: Path) -> Iterator[RunningDemo]:
    with start_demo("host", libraries, page=page) as demo:
        yield demo
        assert demo.exit_code is None, demo.log()
