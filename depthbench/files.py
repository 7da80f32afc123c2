"""Where files go: written whole or not at all, and the folder for those that can be made again."""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def make_folder(path: Path) -> None:
    """Make `path`, and what is missing above it; one that is there already is good.

    Raises OSError, where a file system takes no folders (/proc) a PermissionError.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except FileNotFoundError as error:
        raise PermissionError(errno.EPERM, "no folder can be made here", str(path)) from error


def write_whole(path: Path, content: bytes) -> None:
    """Write beside `path` and move into place; what was there stays until then.

    A part left by a killed writer is overwritten, and none is left by a full disk. Of several
    writers at a time the last one wins. Raises OSError.
    """
    make_folder(path.parent)
    with _only_writer(path.parent), replacing_file(path) as part, part.open("wb") as file:
        if path.exists():
            shutil.copymode(path, part)
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


@contextmanager
def _only_writer(folder: Path) -> Iterator[None]:
    """Others wait, in this process or another: the parts of two would have one name."""
    from filelock import lock_descriptor

    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        with suppress(OSError):  # NFS locks no folder: writing one file at a time still works
            lock_descriptor(descriptor)
        yield
    finally:
        os.close(descriptor)


@contextmanager
def replacing_file(path: Path) -> Iterator[Path]:
    """A file beside `path` for the block to write, moved into its place when the block ends well.

    On an error or an interrupt nothing is left of it, and what was there stays.
    """
    make_folder(path.parent)
    part = path.with_name(path.name + ".part")
    try:
        yield part
        os.replace(part, path)
    except BaseException as error:
        part.unlink(missing_ok=True)
        if isinstance(error, OSError) and error.filename == str(part):
            raise not_written(path, error) from error
        raise


def not_written(path: Path, error: OSError) -> OSError:
    """The error of a file that was to be made at `path`; one that is not let is PermissionError.

    A file system that takes no files (/proc) says that what is to be made is not there.
    """
    if error.errno == errno.ENOENT:
        return PermissionError(errno.EPERM, "no file can be made here", str(path))
    return OSError(error.errno, error.strerror, str(path))


def cache_folder() -> Path:
    """The folder for files that can be made again: $DEPTHBENCH_CACHE, or the user's own cache."""
    asked = os.environ.get("DEPTHBENCH_CACHE")
    if asked:
        return Path(asked).expanduser().absolute()
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("depthbench"))
