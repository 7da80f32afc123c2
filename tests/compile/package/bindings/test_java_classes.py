"""The Java classes of a package on this machine's Java, which watches every call of JNI."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from compile.package.bindings.java_build import RELEASE
from compile.package.manifest_file import Package

from .conftest import HEIGHT, WIDTH, Packaged, Picture

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def packages(packaged: Packaged) -> list[Package]:
    """The second has a word of Java's for a name."""
    return [packaged("host", name) for name in ("small-net", "new")]


@pytest.fixture(scope="module")
def classes(packages: list[Package], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The classes of both packages, and the programs of this folder, by javac."""
    folder = tmp_path_factory.mktemp("classes")
    sources = [file for package in packages for file in package.folder.rglob("*.java")]
    words = ["javac", "-Xlint:all,-options", "-Werror", "--release", RELEASE, "-d", str(folder)]
    words += map(str, [*sources, *HERE.glob("*.java")])
    subprocess.run(words, check=True)
    return folder


def java(
    classes: Path, packages: list[Package], words: Sequence[str], **environment: str
) -> list[str]:
    """The lines that a program prints; fails where Java finds a wrong call."""
    libraries = ":".join(str(package.library.parent) for package in packages)
    flags = ["-Xcheck:jni", "-XX:TieredStopAtLevel=1", f"-Djava.library.path={libraries}"]
    command = ["java", *flags, "-cp", str(classes), *words]
    more = {**os.environ, **environment}
    done = subprocess.run(command, env=more, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stdout
    return done.stdout.splitlines()


@pytest.fixture(scope="module")
def maps(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("maps") / "maps.f32"


@pytest.fixture(scope="module")
def said(classes: Path, packages: list[Package], picture: Picture, maps: Path) -> dict[str, str]:
    """What Behaviour.java prints, by the word before the colon."""
    given = maps.with_name("input"), maps.with_name("frame")
    given[0].write_bytes(picture.input.tobytes())
    given[1].write_bytes(picture.rgba.tobytes())
    lines = java(classes, packages, ["Behaviour", *map(str, given), str(maps)])
    return dict(line.split(": ", 1) for line in lines)


def test_every_way_gives_the_map_of_onnxruntime(
    said: dict[str, str], maps: Path, expected: np.ndarray
) -> None:
    found = np.fromfile(maps, np.float32).reshape(4, *expected.shape)
    for one in found:
        np.testing.assert_allclose(one, expected, rtol=1e-5, atol=1e-5)
    assert said["position"] == "0 5"


def test_it_says_what_the_network_is(said: dict[str, str], packages: list[Package]) -> None:
    assert said["input"] == f"image FLOAT32 {12 * HEIGHT * WIDTH} null"
    assert said["depth"] == "depth 4 m"
    manifest = json.loads(said["manifest"])
    assert {key: packages[0].manifest[key] for key in manifest} == manifest


@pytest.mark.parametrize(
    ("calls", "error"),
    [
        (("threads", "null input", "no buffers", "null frame", "null pixels"), "BadArgument"),
        (("turned", "negative runs", "no times"), "BadArgument"),
        (("heap", "read-only", "big endian", "doubles", "short", "tall frame"), "BadBuffer"),
        (("cores",), "NoThread"),
        (("closed", "closed frame", "closed benchmark"), "Closed"),
    ],
)
def test_each_failure_has_its_exception(
    said: dict[str, str], calls: tuple[str, ...], error: str
) -> None:
    assert {call: said[call] for call in calls} == dict.fromkeys(calls, f"{error} true")


def test_a_frame_beyond_all_memory_is_refused(said: dict[str, str]) -> None:
    assert said["vast frame"] in {"BadArgument true", "BadBuffer true"}


def test_depth_grows_with_the_cameras_focal_length(said: dict[str, str]) -> None:
    assert float(said["farther"]) == pytest.approx(2, rel=1e-5)
    assert said["camera"] == "BadArgument true"


def test_it_times_itself(said: dict[str, str]) -> None:
    assert (said["timed"], said["runs"]) == ("true", "20")
    assert len(json.loads(said["record"])["samples_ms"]) == 20


def test_two_threads_compute_apart_and_never_share(said: dict[str, str]) -> None:
    assert (said["apart"], said["shared"]) == ("400 right", "true")


def test_two_networks_come_and_go_in_one_process(classes: Path, packages: list[Package]) -> None:
    """Even where the whole process sees the functions of one, which both have."""
    models = {"small_net": "small-net", "network_new": "new"}
    words = ["Unloading", str(classes), *models]
    shown = shutil.copy(packages[0].library, classes)  # in a path without spaces
    lines = java(classes, packages, words, LD_PRELOAD=str(shown))
    size = 4 * HEIGHT * WIDTH
    once = [
        line
        for name, model in models.items()
        for line in (f"{name} is {model}, {size}", f"{name} unloaded")
    ]
    assert lines == once + once


def test_the_program_may_load_the_library_by_its_path(
    classes: Path, packages: list[Package], picture: Picture, tmp_path: Path
) -> None:
    (tmp_path / "First.java").write_text(
        "class First { public static void main(String[] path) {"
        " System.load(path[0]);"
        " System.out.println(depthbench.small_net.DepthNetwork.outputs().length); } }"
    )
    compiled = ["javac", "-cp", str(classes), "-d", str(tmp_path), str(tmp_path / "First.java")]
    subprocess.run(compiled, check=True)
    words = ["java", "-Xcheck:jni", "-cp", f"{classes}:{tmp_path}", "First"]
    words.append(str(packages[0].library))
    assert subprocess.run(words, check=True, capture_output=True, text=True).stdout == "1\n"
