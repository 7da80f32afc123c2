"""The programs of examples/package, built as their users build them, beside ONNX Runtime."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from .conftest import HEIGHT, WIDTH, Packaged, Picture

EXAMPLES = Path(__file__).parents[4] / "examples" / "package"
NAME = "small_net"
STRICT = "-Wall -Wextra -Werror"


@pytest.fixture(scope="module")
def package(packaged: Packaged, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A package that was moved after it was made."""
    made = packaged("host", "small-net").folder
    return made.rename(tmp_path_factory.mktemp("moved") / "to another place")


def call(*words: object, **more: str) -> str:
    """What a program prints."""
    environment = {**os.environ, **more}
    done = subprocess.run([*map(str, words)], env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def with_pkg_config(package: Path, work: Path) -> list[str]:
    folder = str(package / "pkgconfig")
    flags = call("pkg-config", "--cflags", "--libs", NAME, PKG_CONFIG_PATH=folder)
    program = work / "depth"
    source = EXAMPLES / "c" / "depth.c"
    call("cc", *STRICT.split(), source, *shlex.split(flags), "-o", program)
    return [str(program)]


def with_cmake(package: Path, work: Path, language: str) -> list[str]:
    settings = [f"-DNETWORK={NAME}", f"-DCMAKE_PREFIX_PATH={package}"]
    settings += [f"-DCMAKE_C_FLAGS={STRICT}", f"-DCMAKE_CXX_FLAGS={STRICT}"]
    call("cmake", "-S", EXAMPLES / language, "-B", work, *settings)
    call("cmake", "--build", work)
    return [str(work / "depth")]


def c_with_cmake(package: Path, work: Path) -> list[str]:
    return with_cmake(package, work, "c")


def cpp_with_cmake(package: Path, work: Path) -> list[str]:
    return with_cmake(package, work, "cpp")


def with_java(package: Path, work: Path) -> list[str]:
    source = (EXAMPLES / "java" / "Depth.java").read_text()
    (work / "Depth.java").write_text(source.replace("depthbench.network", f"depthbench.{NAME}"))
    call("javac", "-d", work, work / "Depth.java", *(package / "java").rglob("*.java"))
    return ["java", f"-Djava.library.path={package / 'lib'}", "-cp", str(work), "Depth"]


def with_python(package: Path, work: Path) -> list[str]:
    return [sys.executable, str(EXAMPLES / "python" / "depth.py"), NAME]


BUILDS = (with_pkg_config, c_with_cmake, cpp_with_cmake, with_java, with_python)


@pytest.mark.parametrize("build", BUILDS)
def test_the_example_writes_the_map_of_onnxruntime(
    build: Callable[[Path, Path], list[str]],
    package: Path,
    picture: Picture,
    expected: np.ndarray,
    tmp_path: Path,
) -> None:
    program = build(package, tmp_path)
    result = tmp_path / "depth.pfm"
    paths = {"LD_LIBRARY_PATH": str(package / "lib"), "PYTHONPATH": str(package / "python")}
    printed = call(*program, picture.file, result, **paths)
    head, size, order, rows = result.read_bytes().split(b"\n", 3)
    assert (head, size, order) == (b"Pf", f"{WIDTH} {HEIGHT}".encode(), b"-1")
    upwards = np.frombuffer(rows, "<f4").reshape(HEIGHT, WIDTH)
    np.testing.assert_allclose(upwards[::-1], expected[0, 0], rtol=1e-5, atol=1e-5)
    middle = expected[0, 0, HEIGHT // 2, WIDTH // 2]
    assert printed.startswith("in the middle: ")
    assert printed.split()[3:] == [printed.split()[3], "m"]
    assert float(printed.split()[3]) == pytest.approx(float(middle), abs=1e-3)


def test_cmake_refuses_another_processor(package: Path, tmp_path: Path) -> None:
    (tmp_path / "CMakeLists.txt").write_text(
        "cmake_minimum_required(VERSION 3.16)\nproject(other C)\n"
        "set(CMAKE_SYSTEM_PROCESSOR riscv64)\n"
        f"find_package({NAME} REQUIRED)\n"
    )
    command = ["cmake", "-S", str(tmp_path), "-B", str(tmp_path / "build")]
    command.append(f"-DCMAKE_PREFIX_PATH={package}")
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 1
    assert "compiled for host, not for riscv64" in " ".join(done.stderr.split())
