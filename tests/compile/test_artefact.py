from __future__ import annotations

import errno
import json
from pathlib import Path

import pytest

from compile.artefact import LIBRARY, MANIFEST, finish, load_artefact, replacing
from compile.listed_files import sha256_of
from compile.package.manifest_file import load_package
from depthbench.errors import InputError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that holds together; the library's content is of no interest here."""
    output = tmp_path / "model"
    with replacing(output) as fresh:
        (fresh / LIBRARY).write_bytes(b"code")
        finish(fresh, {"name": "first"})
    return output


def test_round_trip(folder: Path) -> None:
    artefact = load_artefact(folder)
    assert artefact.manifest["name"] == "first"
    assert artefact.library.read_bytes() == b"code"
    # The SHA-256 of b"code", by sha256sum.
    assert artefact.sha256 == "5694d08a2e53ffcae0c3103e5ad6f6076abd960eb1f8a56577040bc1028f702b"
    assert not artefact.reused


def test_missing_folder(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        load_artefact(tmp_path / "nothing")


def test_changed_library(folder: Path) -> None:
    (folder / LIBRARY).write_bytes(b"evil")
    with pytest.raises(InputError, match="not the file the manifest names"):
        load_artefact(folder)


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"schema": 1, "files": []}', '{"schema": 99, "files": {}}']
)
def test_broken_manifest(folder: Path, text: str) -> None:
    (folder / MANIFEST).write_text(text, encoding="utf-8")
    with pytest.raises(InputError) as caught:
        load_artefact(folder)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("name", "said"), [("../other", "outside"), ("other", "nothing else")])
def test_manifest_may_name_no_other_file(folder: Path, name: str, said: str) -> None:
    manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    (folder / name).write_bytes((folder / LIBRARY).read_bytes())
    manifest["files"][name] = manifest["files"][LIBRARY]
    (folder / MANIFEST).write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(InputError, match=said):
        load_artefact(folder)


def test_a_package_may_name_no_file_outside(tmp_path: Path) -> None:
    folder, other = tmp_path / "package", tmp_path / "other"
    folder.mkdir()
    other.write_bytes(b"")
    files = {"../other": {"sha256": sha256_of(other)}}
    manifest = {"kind": "depthbench package", "schema": 1, "library": "x", "files": files}
    (folder / "package.json").write_text(json.dumps(manifest), encoding="utf-8")
    with pytest.raises(InputError, match="outside"):
        load_package(folder)


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_failure_keeps_the_old_and_leaves_nothing(folder: Path, error: type) -> None:
    def fail() -> None:
        with replacing(folder) as fresh:
            (fresh / LIBRARY).write_bytes(b"half")
            raise error

    with pytest.raises(error):
        fail()
    assert load_artefact(folder).library.read_bytes() == b"code"
    assert [entry.name for entry in folder.parent.iterdir()] == [folder.name]


def test_replaces_the_old_whole(folder: Path) -> None:
    with replacing(folder) as fresh:
        (fresh / LIBRARY).write_bytes(b"newer")
        finish(fresh, {"name": "second"})
    assert load_artefact(folder).manifest["name"] == "second"
    assert [entry.name for entry in folder.parent.iterdir()] == [folder.name]


def test_never_replaces_what_is_no_artefact(tmp_path: Path) -> None:
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "holiday.jpg").write_bytes(b"x")
    with pytest.raises(InputError, match="not a compiled model"), replacing(photos):
        pass
    assert (photos / "holiday.jpg").exists()


@pytest.mark.parametrize("named", [False, True])
def test_a_write_that_fails_names_the_folder_that_was_asked_for(
    tmp_path: Path, named: bool
) -> None:
    def fail(fresh: Path) -> None:
        name = [str(fresh / "model.so")] if named else []
        raise OSError(errno.ENOSPC, "No space left on device", *name)

    output = tmp_path / "made"
    with pytest.raises(OSError, match="No space") as caught, replacing(output) as fresh:
        fail(fresh)
    assert caught.value.filename == str(output)
    assert not list(tmp_path.iterdir())


def test_a_file_elsewhere_keeps_its_name(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError) as caught, replacing(tmp_path / "made"):
        (tmp_path / "weights").read_bytes()
    assert caught.value.filename == str(tmp_path / "weights")
