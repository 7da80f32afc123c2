"""Measurements as files: one JSON object a measurement, one line each."""

from __future__ import annotations

import json
import logging
import os
import uuid
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from bench.records.host_info import host_conditions
from bench.records.provenance import git_state, tool_versions
from bench.records.record_base import SCHEMA
from bench.records.schema import KINDS
from bench.records.validation import find_fault
from depthbench.errors import InputError
from depthbench.files import make_folder, not_written

MAX_BYTES = 1 << 30
Record = dict[str, Any]

log = logging.getLogger(__name__)


def new_record(kind: str, fields: Mapping[str, Any]) -> Record:
    """A record of `kind` that holds `fields`, with schema, id and time (UTC).

    Its `conditions` are those in `fields` and the host's, the tools' versions and the commit of
    this code. Raises InputError for an unknown kind.
    """
    if kind not in KINDS:
        raise InputError(f"unknown kind of record {kind!r}", advice=f"known are {', '.join(KINDS)}")
    identity = {
        "schema": SCHEMA,
        "id": uuid.uuid4().hex,
        "time": datetime.now(UTC).isoformat(timespec="seconds"),
        "kind": kind,
    }
    common = {"host": host_conditions(), "tools": tool_versions(), "git": _this_code()}
    conditions = {**fields.get("conditions", {}), **common}
    return {**identity, **fields, **identity, "conditions": conditions}


@cache
def _this_code() -> dict[str, Any] | None:
    return git_state()  # a process runs the code that it began with


def append_record(path: Path, record: Mapping[str, Any]) -> None:
    """Append `record` to `path` as one line, whole or not at all.

    The line goes out in one write at the end of the file, under a lock, and is flushed to the
    disk before this returns. Rewriting the file and moving it in place would be as safe for one
    writer, but of two at a time it would lose one's records. A write that fails is undone; what
    a kill in the midst of it leaves, a last line without its end, is cut off by the next append
    and dropped by `read_records`. Raises ValueError for a value that JSON has no form for.
    """
    from filelock import lock_descriptor

    line = (json.dumps(record, allow_nan=False) + "\n").encode()
    make_folder(path.parent)
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise not_written(path, error) from error
    try:
        lock_descriptor(descriptor)
        end = _cut_torn_line(descriptor, path)
        try:
            _write(descriptor, line, path)
        except BaseException:
            with suppress(OSError):  # what takes no line cannot always be cut
                os.ftruncate(descriptor, end)
            raise
    finally:
        os.close(descriptor)


def _write(descriptor: int, line: bytes, path: Path) -> None:
    view = memoryview(line)
    try:
        while view:
            view = view[os.write(descriptor, view) :]
        os.fsync(descriptor)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error


def _cut_torn_line(descriptor: int, path: Path) -> int:
    """Make the file end in a line end, or be empty, and return its length."""
    size = os.fstat(descriptor).st_size
    if size == 0 or os.pread(descriptor, 1, size - 1) == b"\n":
        return size
    start, block = size, b""
    while start > 0 and b"\n" not in block:
        start = max(0, start - (1 << 16))
        block = os.pread(descriptor, size - start, start)
    tail = block[block.rfind(b"\n") + 1 :]
    if _parse(tail) is not None:
        os.write(descriptor, b"\n")
        return size + 1
    log.warning("%s: the last line is truncated, and was cut off", path)
    os.ftruncate(descriptor, size - len(tail))
    return size - len(tail)


def read_records(*paths: Path) -> list[Record]:
    """Read the records of files, in order.

    A truncated last line is dropped, and a record that appears again unchanged (files that were
    joined) or as a copy with another id too; each with a warning in the log. Raises InputError,
    with file and line, for a missing file, a line that is no record of this version's schema, and
    two different records with the same id.
    """
    records: dict[str, Record] = {}
    taken: dict[tuple[float, ...], str] = {}
    for path in paths:
        for line, record in _read(path):
            known = records.setdefault(record["id"], record)
            if known is record:
                # Two runs never take the very same times.
                samples = tuple(ms for ms in record.get("samples_ms", ()) if isinstance(ms, float))
                first = taken.setdefault(samples, record["id"]) if len(set(samples)) > 1 else None
                if first not in (None, record["id"]):
                    log.warning("%s, line %d: the run of %s again, dropped", path, line, first)
                    del records[record["id"]]
                continue
            if known != record:
                raise InputError(
                    f"{path}, line {line}: another record with the id {record['id']}",
                    advice="remove one",
                )
            log.warning("%s, line %d: record %s again, dropped", path, line, record["id"])
    return list(records.values())


def _read(path: Path) -> Iterator[tuple[int, Record]]:
    if not path.is_file():
        raise InputError(f"no such file: {path}", advice="give a .jsonl file of records")
    if path.stat().st_size > MAX_BYTES:
        raise InputError(f"{path} is larger than {MAX_BYTES >> 30} GiB", advice="split it")
    with path.open("rb") as file:
        yield from _records(path, file)


def _records(path: Path, lines: Iterable[bytes]) -> Iterator[tuple[int, Record]]:
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        record = _parse(line)
        if record is None:
            if not line.endswith(b"\n"):
                log.warning("%s, line %d is truncated, and was dropped", path, number)
                return
            raise InputError(
                f"{path}, line {number} is not a record", advice="one JSON object a line"
            )
        if fault := find_fault(record):
            raise InputError(f"{path}, line {number}: {fault}", advice="measure again")
        yield number, record


def _parse(line: bytes) -> Record | None:
    """The JSON object of a line; None when it holds none."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None
