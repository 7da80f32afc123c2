"""The three sources of a bundle: what is missing is said in one line, with what to type."""

from __future__ import annotations

import importlib.metadata
import importlib.util
import subprocess
import zipfile
from pathlib import Path

import pytest

from android_rpc.bundle import arm64_libraries, server_build, tvm_wheels
from android_rpc.bundle.arm64_libraries import PACKAGES, find_libraries
from android_rpc.bundle.server_build import compile_server, source_digest
from android_rpc.bundle.tvm_wheels import WHEELS, Wheel
from depthbench.errors import ToolMissing


@pytest.fixture
def library_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "arm64"
    folder.mkdir()
    for names in PACKAGES.values():
        for name in names:
            (folder / name).write_bytes(name.encode())
    return folder


def fake_dpkg(programs: Path, file: Path, digest: str) -> None:
    script = programs / "dpkg-query"
    script.write_text(
        "#!/bin/sh\n"
        'case "$1" in\n'
        "--show) echo 2.36-1 ;;\n"
        f"--control-show) echo '{digest}  {str(file).lstrip('/')}' ;;\n"
        "esac\n"
    )
    script.chmod(0o755)


def test_missing_cross_packages_name_the_command(tmp_path: Path) -> None:
    with pytest.raises(ToolMissing) as caught:
        find_libraries(tmp_path)
    assert str(caught.value).endswith(f"sudo apt-get install {' '.join(PACKAGES)}")
    assert "\n" not in str(caught.value)


def test_only_the_missing_package_is_named(library_folder: Path) -> None:
    (library_folder / "libgcc_s.so.1").unlink()
    with pytest.raises(ToolMissing, match=r"apt-get install libgcc-s1-arm64-cross$"):
        find_libraries(library_folder)


def test_without_dpkg_the_files_are_taken_as_they_are(
    library_folder: Path, no_programs: Path
) -> None:
    libraries = find_libraries(library_folder)
    assert {library.name for library in libraries} == {n for p in PACKAGES.values() for n in p}
    assert {library.origin.split()[1] for library in libraries} == {"unknown"}


def test_files_that_differ_from_dpkgs_are_refused(library_folder: Path, no_programs: Path) -> None:
    file = library_folder / "libm.so.6"
    fake_dpkg(no_programs, file, "0" * 32)
    with pytest.raises(ToolMissing, match=r"libm\.so\.6 differs .* --reinstall libc6-arm64-cross"):
        find_libraries(library_folder)
    # the MD5 sum of b"libm.so.6", by coreutils
    fake_dpkg(no_programs, file, "92a1f3d06b4869dae12c0197b6c8eba1")
    assert find_libraries(library_folder)[0].origin == "libc6-arm64-cross 2.36-1"


def test_the_installed_libraries_are_for_arm64() -> None:
    libraries = find_libraries()
    assert libraries
    for library in libraries:
        header = library.file.read_bytes()[:20]
        assert header[:4] == b"\x7fELF"
        assert int.from_bytes(header[18:20], "little") == 183  # EM_AARCH64 of the ELF standard


def test_without_an_index_pip_fails_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    empty = tmp_path / "empty"
    target = tmp_path / "lib"
    empty.mkdir()
    target.mkdir()
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(empty))
    with pytest.raises(ToolMissing, match=r"pip cannot get apache-tvm==0\.27\.0\.post1") as caught:
        tvm_wheels.fetch_libraries(target)
    assert "\n" not in str(caught.value)
    assert list(target.iterdir()) == []


def test_a_wheel_with_another_checksum_is_not_unpacked(tmp_path: Path) -> None:
    archive = tmp_path / "wheel.whl"
    with zipfile.ZipFile(archive, "w") as members:
        for member in WHEELS[0].libraries:
            members.writestr(member, "evil")
    with pytest.raises(ToolMissing, match=r"wheel\.whl: SHA-256 is .*another file"):
        tvm_wheels.extract_libraries(WHEELS[0], archive, tmp_path)
    assert list(tmp_path.iterdir()) == [archive]


def test_another_installed_version_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    tvm_wheels.check_installed()
    other = Wheel("apache-tvm", "0.1", "", ())
    installed = importlib.metadata.version("apache-tvm")
    monkeypatch.setattr(tvm_wheels, "WHEELS", (other,))
    with pytest.raises(ToolMissing, match=rf"0\.1 is needed, installed is {installed}; pip "):
        tvm_wheels.check_installed()


def test_the_server_compiles_without_warnings_for_the_phone(tmp_path: Path) -> None:
    compile_server(tmp_path / "rpc_server")
    program = (tmp_path / "rpc_server").read_bytes()
    assert program[:4] == b"\x7fELF"
    assert int.from_bytes(program[18:20], "little") == 183
    assert {"-Wall", "-Wextra", "-Werror"} <= set(server_build.FLAGS)
    headers = subprocess.run(
        ["readelf", "-lW", tmp_path / "rpc_server"], capture_output=True, text=True, check=True
    ).stdout
    alignments = {line.split()[-1] for line in headers.splitlines() if line.split()[:1] == ["LOAD"]}
    assert alignments == {"0x10000"}


def test_an_error_in_the_source_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "main.c").write_text("int main(void) { int unused; return missing; }\n")
    monkeypatch.setattr(server_build, "SOURCE", tmp_path)
    with pytest.raises(ToolMissing, match=r"does not compile with ziglang: .*error") as caught:
        compile_server(tmp_path / "program")
    assert "\n" not in str(caught.value)


def test_the_digest_follows_sources_and_flags(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    digests = [source_digest()]
    monkeypatch.setattr(server_build, "FLAGS", ("-O3",))
    digests.append(source_digest())
    monkeypatch.setattr(server_build, "SOURCE", tmp_path)
    digests.append(source_digest())
    (tmp_path / "a.c").write_text("x")
    digests.append(source_digest())
    (tmp_path / "a.c").rename(tmp_path / "b.c")
    digests.append(source_digest())
    assert len(set(digests)) == 5


def test_a_missing_compiler_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "ziglang" else find_spec(name)
    )
    with pytest.raises(ToolMissing, match="pip install ziglang"):
        compile_server(tmp_path / "program")


def test_sources_are_small_enough_to_read() -> None:
    for file in server_build.SOURCE.iterdir():
        assert len(file.read_text().splitlines()) < 300, file
    assert arm64_libraries.LOADER in PACKAGES["libc6-arm64-cross"]
