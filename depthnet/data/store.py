"""Named members of a zip file or of the folder it was extracted to."""

from __future__ import annotations

import zipfile
from functools import partial
from pathlib import Path
from typing import IO, Protocol

from depthbench.errors import InputError
from depthnet.data.per_process import PerProcess

LARGEST = 100_000_000
"""Bytes of one member when unpacked; a list of 50 000 pairs takes 5 MB, an image less."""


class Store(Protocol):
    """Files by the name they have in the published archive."""

    path: Path

    def has(self, name: str) -> bool:
        """Whether there is a member called `name`."""

    def open(self, name: str) -> IO[bytes]:
        """The member as a stream of its own."""

    def read(self, name: str) -> bytes:
        """The member whole; raises InputError when it is damaged or too large."""

    def where(self, name: str) -> str:
        """The member's place, as messages name it."""


class FolderStore:
    """The members of an extracted archive."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def _at(self, name: str) -> Path:
        # A list of members comes with the data: it may not point out of the folder.
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise InputError(
                f"{self.path}: member {name!r} lies outside the folder", advice="fix its csv"
            )
        # The archive's `data/` may itself be the folder that was given.
        nested = self.path / name
        return nested if nested.exists() else self.path / name.removeprefix("data/")

    def has(self, name: str) -> bool:
        return self._at(name).is_file()

    def open(self, name: str) -> IO[bytes]:
        return self._at(name).open("rb")

    def read(self, name: str) -> bytes:
        try:
            return self._at(name).read_bytes()
        except OSError as error:
            raise InputError(
                f"{self.where(name)}: cannot be read ({error.strerror})", advice="restore it"
            ) from error

    def where(self, name: str) -> str:
        return str(self._at(name))


class ZipStore:
    """The members of an archive that stays packed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._archive = PerProcess(partial(_open_zip, path))
        with self._archive.use() as archive:
            self._names = frozenset(archive.namelist())

    def has(self, name: str) -> bool:
        return name in self._names

    def open(self, name: str) -> IO[bytes]:
        return _open_zip(self.path).open(name)

    def read(self, name: str) -> bytes:
        with self._archive.use() as archive:
            try:
                if archive.getinfo(name).file_size > LARGEST:
                    raise InputError(
                        f"{self.where(name)}: over 100 MB", advice="give the published archive"
                    )
                return archive.read(name)
            except InputError:
                raise
            except (zipfile.BadZipFile, OSError, EOFError, ValueError) as error:
                raise InputError(
                    f"{self.where(name)}: damaged member", advice="fetch the archive again"
                ) from error

    def where(self, name: str) -> str:
        return f"{self.path}:{name}"


def open_store(path: Path) -> Store:
    """The members of the folder or zip file at `path`; raises InputError if it is unreadable."""
    return FolderStore(path) if path.is_dir() else ZipStore(path)


def _open_zip(path: Path) -> zipfile.ZipFile:
    try:
        return zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError) as error:
        raise InputError(f"{path}: not a whole zip file", advice="fetch it again") from error
