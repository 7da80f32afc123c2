"""Files to and from the phone: the part of adb behind `adb push` and `adb pull`.

Requests are four letters, a length and a path. (AOSP, packages/modules/adb, SYNC.TXT.)
"""

from __future__ import annotations

import os
import stat
import struct
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from adbd import Stream

PIECE = 1 << 16


def serve(stream: Stream, root: Path) -> None:
    """Answers requests until QUIT, or until the stream ends (EOFError)."""
    while True:
        request, length = struct.unpack("<4sI", stream.read(8))
        if request == b"QUIT":
            return
        argument = stream.read(length).decode()
        if request == b"STAT":
            stream.write(_status(_at(root, argument)))
        elif request in (b"STA2", b"LST2"):
            stream.write(_status_v2(request, _at(root, argument)))
        elif request == b"SEND":
            _take(stream, root, argument)
        elif request == b"RECV":
            _give(stream, _at(root, argument))
        else:
            stream.write(_failure(f"unknown request {request!r}"))
            return


def _at(root: Path, path: str) -> Path:
    return root / path.lstrip("/")


def _failure(message: str) -> bytes:
    return struct.pack("<4sI", b"FAIL", len(message)) + message.encode()


def _status(path: Path) -> bytes:
    try:
        found = path.lstat()
    except OSError:
        return struct.pack("<4s3I", b"STAT", 0, 0, 0)
    size = found.st_size & 0xFFFFFFFF
    return struct.pack("<4s3I", b"STAT", found.st_mode, size, int(found.st_mtime))


def _status_v2(request: bytes, path: Path) -> bytes:
    form = struct.Struct("<4sI2Q4IQ3q")
    try:
        found = path.lstat() if request == b"LST2" else path.stat()
    except OSError as error:
        return form.pack(request, error.errno or 1, *[0] * 10)
    return form.pack(
        *(request, 0, found.st_dev, found.st_ino, found.st_mode, found.st_nlink),
        *(found.st_uid, found.st_gid, found.st_size),
        *map(int, (found.st_atime, found.st_mtime, found.st_ctime)),
    )


def _take(stream: Stream, root: Path, argument: str) -> None:
    name, _, mode = argument.rpartition(",")
    path = _at(root, name)
    failure = ""
    output = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.unlink(missing_ok=True)
        output = path.open("wb", buffering=0)
    except OSError as error:
        failure = f"couldn't create file: {error.strerror}"
    while True:
        kind, length = struct.unpack("<4sI", stream.read(8))
        if kind == b"DONE":  # the length is the time of modification
            break
        data = stream.read(length)
        try:
            if output is not None and not failure and output.write(data) != len(data):
                failure = "write failed: No space left on device"
        except OSError as error:
            failure = f"write failed: {error.strerror}"
    if output is not None:
        output.close()
        os.utime(path, (length, length))
        path.chmod(int(mode) & 0o777)
    if failure:
        path.unlink(missing_ok=True)
    stream.write(_failure(failure) if failure else struct.pack("<4sI", b"OKAY", 0))


def _give(stream: Stream, path: Path) -> None:
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise OSError(0, "not a file")
        content = path.read_bytes()
    except OSError as error:
        stream.write(_failure(f"failed to open: {error.strerror}"))
        return
    for start in range(0, len(content), PIECE):
        piece = content[start : start + PIECE]
        stream.write(struct.pack("<4sI", b"DATA", len(piece)) + piece)
    stream.write(struct.pack("<4sI", b"DONE", 0))
