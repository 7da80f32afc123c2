"""Bundles: verified against tampering, made whole or not at all, once."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from android_rpc.bundle import arm64_libraries, bundle, server_build, tvm_wheels
from android_rpc.bundle.arm64_libraries import Library
from android_rpc.bundle.bundle import build_bundle, open_bundle
from depthbench.errors import InputError, ToolMissing


class Sources:
    """Stand-ins for the three sources, which take no time and count what is asked of them."""

    def __init__(self, folder: Path) -> None:
        self.compiled = 0
        self.failure: Exception | None = None
        self.loader = folder / "loader"
        self.loader.write_bytes(b"loader")

    def find_libraries(self) -> list[Library]:
        digest = hashlib.sha256(self.loader.read_bytes()).hexdigest()
        return [Library(arm64_libraries.LOADER, self.loader, digest, "libc6 2.36")]

    def compile_server(self, target: Path) -> None:
        self.compiled += 1
        time.sleep(0.05)
        target.write_bytes(b"server")

    def fetch_libraries(self, target: Path, progress: Any) -> dict[str, str]:
        if self.failure:
            raise self.failure
        (target / "libtvm_runtime.so").write_bytes(b"runtime")
        return {"libtvm_runtime.so": "apache-tvm==0.27"}


@pytest.fixture
def sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Sources:
    sources = Sources(tmp_path)
    monkeypatch.setattr(arm64_libraries, "find_libraries", sources.find_libraries)
    monkeypatch.setattr(server_build, "compile_server", sources.compile_server)
    monkeypatch.setattr(tvm_wheels, "fetch_libraries", sources.fetch_libraries)
    return sources


def content(cache: Path) -> list[str]:
    return sorted(path.name for path in (cache / "bundles").iterdir())


def test_a_bundle_is_built_once_and_then_reused(sources: Sources, tmp_path: Path) -> None:
    first = build_bundle(tmp_path / "cache")
    assert build_bundle(tmp_path / "cache") == first
    assert sources.compiled == 1
    assert set(first.files) == {bundle.LOADER, bundle.SERVER, "lib/libtvm_runtime.so"}
    assert first.size == len(b"loaderserverruntime")
    assert first.files[bundle.SERVER]["sha256"] == hashlib.sha256(b"server").hexdigest()
    assert first.files[bundle.LOADER]["origin"] == "libc6 2.36"
    assert (first.folder / bundle.SERVER).stat().st_mode & 0o777 == 0o755
    assert first.command("/data/local/tmp/x") == [
        "/data/local/tmp/x/lib/ld-linux-aarch64.so.1",
        "--library-path",
        "/data/local/tmp/x/lib",
        "/data/local/tmp/x/rpc_server",
    ]


def test_other_inputs_make_another_bundle(
    sources: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = build_bundle(tmp_path / "cache")
    sources.loader.write_bytes(b"newer loader")
    second = build_bundle(tmp_path / "cache")
    monkeypatch.setattr(server_build, "source_digest", lambda: "changed")
    third = build_bundle(tmp_path / "cache")
    assert len({first.folder, second.folder, third.folder}) == 3
    assert first.sha256 != second.sha256
    assert second.sha256 == third.sha256  # its files are the same


@pytest.mark.parametrize("path", [bundle.SERVER, "lib/libtvm_runtime.so"])
def test_a_changed_file_is_found(sources: Sources, tmp_path: Path, path: str) -> None:
    made = build_bundle(tmp_path / "cache")
    (made.folder / path).write_bytes(b"evil")
    with pytest.raises(InputError, match=f"{path} was changed"):
        open_bundle(made.folder)


def test_a_missing_and_an_added_file_are_found(sources: Sources, tmp_path: Path) -> None:
    made = build_bundle(tmp_path / "cache")
    (made.folder / "lib" / "added.so").touch()
    with pytest.raises(InputError, match=r"lib/added\.so was added"):
        open_bundle(made.folder)
    (made.folder / "lib" / "added.so").unlink()
    open_bundle(made.folder)
    (made.folder / bundle.LOADER).unlink()
    with pytest.raises(InputError, match=r"ld-linux-aarch64\.so\.1 was missing"):
        open_bundle(made.folder)


@pytest.mark.parametrize(
    "text",
    ["", "{}", "[]", '{"schema": 9, "files": {}}', '{"schema": 1, "files": {"rpc_server": 1}}'],
)
def test_a_bad_manifest_is_no_bundle(sources: Sources, tmp_path: Path, text: str) -> None:
    made = build_bundle(tmp_path / "cache")
    (made.folder / bundle.MANIFEST).write_text(text)
    with pytest.raises(InputError, match="not a server bundle"):
        open_bundle(made.folder)
    with pytest.raises(InputError, match="not a server bundle"):
        open_bundle(tmp_path / "nowhere")


def test_a_damaged_bundle_is_built_again(sources: Sources, tmp_path: Path) -> None:
    made = build_bundle(tmp_path / "cache")
    (made.folder / bundle.SERVER).write_bytes(b"half")
    assert build_bundle(tmp_path / "cache") == made
    assert sources.compiled == 2
    assert (made.folder / bundle.SERVER).read_bytes() == b"server"


def test_a_failed_build_leaves_nothing(sources: Sources, tmp_path: Path) -> None:
    sources.failure = ToolMissing("no network")
    with pytest.raises(ToolMissing, match="no network"):
        build_bundle(tmp_path / "cache")
    assert content(tmp_path / "cache") == [".lock"]


def test_what_a_killed_builder_left_is_removed(sources: Sources, tmp_path: Path) -> None:
    (tmp_path / "cache" / "bundles" / ".unfinished-1" / "lib").mkdir(parents=True)
    made = build_bundle(tmp_path / "cache")
    assert content(tmp_path / "cache") == [".lock", made.folder.name]


def test_concurrent_builders_make_one_bundle(sources: Sources, tmp_path: Path) -> None:
    made = []
    threads = [
        threading.Thread(target=lambda: made.append(build_bundle(tmp_path / "cache")))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 4
    assert all(item == made[0] for item in made)
    assert sources.compiled == 1


def test_the_cache_follows_the_environment(
    sources: Sources, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEPTHBENCH_CACHE", str(tmp_path / "asked"))
    made = build_bundle()
    assert made.folder.parent == tmp_path / "asked" / "bundles"
    assert json.loads((made.folder / bundle.MANIFEST).read_text())["inputs"]["schema"] == 1
