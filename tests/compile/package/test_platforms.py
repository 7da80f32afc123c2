"""What binutils say of the libraries that are made for other systems."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest

from compile.listed_files import sha256_of
from compile.package.build_package import package_model
from compile.package.emulated_run import build_runner, runner_command
from compile.package.manifest_file import Package
from compile.pipeline import compile_model
from depthbench.emulator import find_emulator

API = """depth_api_version depth_create depth_destroy depth_input depth_input_count depth_last_error
depth_last_times depth_manifest depth_output depth_output_count depth_run depth_run_frame
depth_set_camera"""
# Of bionic's libc.so since Android 7 (API 24), which every glibc has too.
BIONIC = """clock_gettime close getauxval lseek memcmp memcpy memmove memset mmap munmap open
pthread_create pthread_getspecific pthread_join pthread_key_create pthread_key_delete
pthread_setspecific snprintf strlen syscall vsnprintf"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("packages")


@pytest.fixture(scope="module")
def android(small_model: Path, folder: Path) -> Package:
    return package_model(small_model, "arm64-android", folder / "android")


@pytest.fixture(scope="module")
def linux(small_model: Path, folder: Path) -> Package:
    return package_model(small_model, "arm64-linux", folder / "linux", weights="file")


def _said(program: str, *words: object) -> str:
    done = subprocess.run(
        [program, *map(str, words)], capture_output=True, text=True, check=True, timeout=60
    )
    return done.stdout


def _needed(library: Path) -> list[str]:
    return re.findall(r"\(NEEDED\).*\[(.*)\]", _said("readelf", "-dW", library))


def _undefined(library: Path) -> list[str]:
    return [line.split()[-1] for line in _said("nm", "-Du", library).splitlines()]


@pytest.mark.parametrize("name", ["android", "linux"])
def test_it_shows_the_api_alone(name: str, request: pytest.FixtureRequest) -> None:
    package: Package = request.getfixturevalue(name)
    shown = _said("nm", "-D", "--defined-only", package.library).split()[2::3]
    assert set(API.split()) <= set(shown)
    assert all(re.match(r"depth_|JNI_OnLoad$", one) for one in shown)
    header = _said("readelf", "-hlW", package.library)
    assert "AArch64" in header
    segments = re.findall(r"^  LOAD .* (0x[0-9a-f]+)$", header, re.MULTILINE)
    assert segments
    assert {int(one, 16) for one in segments} == {65536}
    assert re.search(r"GNU_STACK .* RW +0", header)
    assert "TEXTREL" not in _said("readelf", "-dW", package.library)


@pytest.mark.parametrize("name", ["android", "linux"])
def test_the_static_library_shows_the_api_alone(name: str, request: pytest.FixtureRequest) -> None:
    package: Package = request.getfixturevalue(name)
    shown = _said("nm", "-g", "--defined-only", package.static_library).split()
    assert set(API.split()) <= set(shown)
    names = [one for one in shown if re.fullmatch(r"[A-Za-z_]\w+", one)]
    assert all(one.startswith("depth_") for one in names)
    undefined = _said("nm", "-u", package.static_library).split()[1:]
    assert set(undefined) - {"U"} <= {*BIONIC.split(), "expf"}


@pytest.mark.parametrize("name", ["android", "linux"])
def test_it_computes_what_onnxruntime_does_under_emulation(
    name: str, request: pytest.FixtureRequest
) -> None:
    package: Package = request.getfixturevalue(name)
    emulated = package.manifest["check"]["emulated"]
    assert "emulated cortex-a76" in emulated["where"]
    assert emulated["relative_difference"]["depth"] < 1e-6


def test_a_processor_without_its_instructions_is_refused(linux: Package, tmp_path: Path) -> None:
    program = build_runner(linux.header, linux.static_library, tmp_path / "run")
    image = np.zeros((1, 3, 16, 12), np.float32)
    command = runner_command(program, tmp_path, [image], 1, linux.weights)
    for cpu, said in (("cortex-a76", ""), ("cortex-a53", "compiled for processors with atomics")):
        done = subprocess.run(
            [find_emulator(), "-cpu", cpu, *command],
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert (done.returncode == 0) == (not said)
        assert said in done.stderr


def test_android_needs_what_bionic_has(android: Package) -> None:
    assert _needed(android.library) == ["libc.so"]
    assert set(_undefined(android.library)) <= set(BIONIC.split())


def test_linux_needs_no_newer_glibc_than_2_31(linux: Package) -> None:
    assert set(_needed(linux.library)) <= {"libc.so.6", "libpthread.so.0", "libm.so.6"}
    versions = re.findall(r"@GLIBC_([\d.]+)", _said("nm", "-Du", linux.library))
    assert versions
    assert max(tuple(map(int, one.split("."))) for one in versions) <= (2, 31)


def test_its_code_is_the_artefacts(small_model: Path, android: Package, folder: Path) -> None:
    artefact = compile_model(small_model, "arm64-a76", folder / "artefact")
    assert android.manifest["artefact_sha256"] == sha256_of(artefact.library)
    for field in ("name", "source", "target", "precision", "threads", "compiler", "tools"):
        assert android.manifest[field] == artefact.manifest[field]
