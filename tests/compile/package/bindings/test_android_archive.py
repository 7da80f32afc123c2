"""The Android archive of a package, unpacked; and its library, called as Java would, emulated."""

from __future__ import annotations

import hashlib
import io
import re
import shutil
import subprocess
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import numpy as np
import pytest

from android_rpc.bundle.arm64_libraries import LIBRARY_FOLDER
from compile.package import toolchain
from compile.package.bindings.bindings import check_tools
from compile.package.manifest_file import Package
from depthbench.errors import ToolMissing

from .conftest import Packaged, Picture

HERE = Path(__file__).parent
JNI = HERE.parents[3] / "compile/package/bindings/jni"
API = {
    *("depth_manifest", "depth_api_version", "depth_input_count", "depth_output_count"),
    *("depth_input", "depth_output", "depth_create", "depth_destroy", "depth_run"),
    *("depth_run_frame", "depth_last_times", "depth_benchmark", "depth_benchmark_record"),
    *("depth_last_error", "depth_set_camera"),
}
POM = "{http://maven.apache.org/POM/4.0.0}"


@pytest.fixture(scope="module")
def package(packaged: Packaged) -> Package:
    return packaged("arm64-android", "small-net")


@pytest.fixture(scope="module")
def repository(package: Package) -> Path:
    return package.folder / "android"


@pytest.fixture(scope="module")
def archive(repository: Path) -> zipfile.ZipFile:
    (file,) = repository.rglob("*.aar")
    return zipfile.ZipFile(file)


def test_the_archive_holds_what_gradle_reads(archive: zipfile.ZipFile, package: Package) -> None:
    assert archive.namelist() == [
        *("AndroidManifest.xml", "classes.jar", "jni/arm64-v8a/libsmall_net.so"),
        *("R.txt", "proguard.txt"),
    ]
    library = archive.read("jni/arm64-v8a/libsmall_net.so")
    assert library == package.library.read_bytes()
    manifest = ET.fromstring(archive.read("AndroidManifest.xml"))
    assert manifest.get("package") == "depthbench.small_net"
    assert b"depthbench.small_net.Native" in archive.read("proguard.txt")


def test_the_classes_are_of_java_8(archive: zipfile.ZipFile) -> None:
    classes = zipfile.ZipFile(io.BytesIO(archive.read("classes.jar")))
    names = [name for name in classes.namelist() if name.endswith(".class")]
    assert "depthbench/small_net/DepthNetwork.class" in names
    assert "depthbench/small_net/Native.class" in names
    for name in names:
        content = classes.read(name)
        assert content[:4] == b"\xca\xfe\xba\xbe"
        assert int.from_bytes(content[6:8], "big") == 52, name


def test_the_repository_is_one_of_maven(repository: Path) -> None:
    (pom,) = repository.rglob("*.pom")
    project = ET.parse(pom).getroot()
    group, name, version, packaging = (
        project.findtext(f"{POM}{tag}") for tag in ("groupId", "artifactId", "version", "packaging")
    )
    assert (group, name, packaging) == ("depthbench", "small_net", "aar")
    assert pom.parent == repository / "depthbench" / "small_net" / str(version)
    listed = ET.parse(repository / "depthbench/small_net/maven-metadata.xml").getroot()
    assert listed.findtext("versioning/release") == version
    stem = f"small_net-{version}"
    endings = (".aar", ".pom", "-javadoc.jar", "-sources.jar")
    assert all((pom.parent / f"{stem}{ending}").is_file() for ending in endings)


def test_checksums_are_those_of_the_files(repository: Path) -> None:
    files = [file for file in repository.rglob("*") if file.is_file()]
    sums = [file for file in files if file.suffix in {".md5", ".sha1", ".sha256"}]
    assert len(sums) == 3 * (len(files) - len(sums))
    for one in sums:
        content = one.with_suffix("").read_bytes()
        assert one.read_text() == hashlib.new(one.suffix[1:], content).hexdigest()


def test_javadoc_describes_the_public_classes_alone(repository: Path) -> None:
    (file,) = repository.rglob("*-javadoc.jar")
    pages = set(zipfile.ZipFile(file).namelist())
    folder = "depthbench/small_net"
    assert {f"{folder}/DepthNetwork.html", f"{folder}/Frame.Plane.html", "index.html"} <= pages
    assert not {f"{folder}/Native.html", f"{folder}/Memory.html"} & pages


def readelf(library: Path, *flags: str) -> str:
    done = subprocess.run(["readelf", *flags, str(library)], check=True, capture_output=True)
    return done.stdout.decode()


def test_android_can_load_the_library(package: Package) -> None:
    """Segments for pages of 16 KiB, no libraries but Android's, no thread-local storage."""
    headers = readelf(package.library, "-lW")
    segments = re.findall(r"^ +LOAD .* (0x[0-9a-f]+)$", headers, re.MULTILINE)
    assert segments
    assert all(int(alignment, 16) % 16384 == 0 for alignment in segments)
    assert " TLS " not in headers
    assert not re.search(r"LOAD .* RWE ", headers)
    dynamic = readelf(package.library, "-dW")
    needed = set(re.findall(r"NEEDED\).*\[(.*)\]", dynamic))
    assert "libc.so" in needed
    assert needed <= {"libc.so", "libm.so"}
    assert "[libsmall_net.so]" in dynamic
    assert "TEXTREL" not in dynamic


def test_the_library_shows_the_api_and_jni_alone(package: Package) -> None:
    symbols = readelf(package.library, "--dyn-syms", "-W").splitlines()
    rows = [line.split() for line in symbols if re.match(r" +\d+: ", line)]
    shown = {row[7] for row in rows if len(row) > 7 and row[6] != "UND"}
    assert shown == {*API, "JNI_OnLoad"}


def test_java_without_java_computes_what_onnxruntime_does(
    package: Package, picture: Picture, expected: np.ndarray, tmp_path: Path
) -> None:
    """The registered functions, called by a program that plays Java, on an emulated Cortex-A76."""
    program = tmp_path / "fake_java"
    flags = ["-std=gnu11", "-Wall", "-Wno-cast-function-type", f"-I{JNI}"]
    words = ["cc", "-target", "aarch64-linux-gnu.2.31", *flags, str(HERE / "fake_java.c")]
    toolchain.run_zig(words, program)
    for name in ("libc", "libm"):  # as Android calls them
        (tmp_path / f"{name}.so").symlink_to(next(LIBRARY_FOLDER.glob(f"{name}.so.6")))
    image, result = tmp_path / "image", tmp_path / "depth"
    image.write_bytes(picture.input.tobytes())
    emulator = ["qemu-aarch64-static", "-cpu", "cortex-a76", "-L", str(LIBRARY_FOLDER.parent)]
    command = [*emulator, "-E", f"LD_LIBRARY_PATH={tmp_path}", str(program)]
    command += map(str, (package.library, image, result))
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0] == "class depthbench/small_net/Native"
    found = np.fromfile(result, np.float32).reshape(expected.shape)
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_a_missing_jdk_is_told_before_anything_is_compiled(
    network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "which", lambda name, path=None: None)
    check_tools(toolchain.get("host"))
    with pytest.raises(ToolMissing, match="javac is not installed") as missing:
        check_tools(toolchain.get("arm64-android"))
    assert "default-jdk-headless" in missing.value.advice
    assert "\n" not in str(missing.value)
