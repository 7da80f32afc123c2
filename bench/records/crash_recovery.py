"""Recovery of what a killed process had measured.

What it has measured so far lies beside the records, in a file that the process keeps locked. The
kernel takes the lock from a process that dies, however it does; whoever next measures into the same
records appends what dead ones have left.
"""

from __future__ import annotations

import contextlib
import json
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from bench.records.record import Record, append_record
from bench.records.sample_stats import interval_fields
from bench.records.schema import TIMED
from depthbench.files import make_folder

WHOLE, PART = ".unfinished", ".part"
KILLED = "stopped: the process that measured was killed"


@contextmanager
def unfinished(records: Path) -> Iterator[Callable[[Record], None]]:
    """What keeps a record as long as the block lasts, in place of the one kept before.

    It outlives the process if that is killed within the block, and becomes one of `records` by
    `adopt_unfinished`.
    """
    file = records.with_name(f".{records.name}.{uuid.uuid4().hex}{WHOLE}")
    with contextlib.ExitStack() as stack:

        def write(record: Record) -> None:
            part = file.with_suffix(PART)
            with _locked(part) as fresh:
                json.dump(record, fresh, allow_nan=False)
                fresh.flush()
                part.rename(file)
                stack.close()  # the one before, which has no name any more
                stack.enter_context(os.fdopen(os.dup(fresh.fileno())))

        try:
            yield write
        finally:
            file.unlink(missing_ok=True)


def adopt_unfinished(records: Path) -> int:
    """Append to `records` what killed processes have left beside them; how many that were."""
    from filelock import lock_descriptor

    adopted = 0
    for file in sorted(records.parent.glob(f".{records.name}.*")):
        if file.suffix not in (WHOLE, PART):
            continue
        with contextlib.suppress(FileNotFoundError), file.open() as left:
            if not lock_descriptor(left.fileno(), blocking=False):
                continue  # the process that measures is alive
            if not os.path.samestat(file.stat(), os.fstat(left.fileno())):
                continue  # a living process has just replaced it
            if file.suffix == WHOLE:
                record = json.load(left)
                if record["kind"] in TIMED:
                    record |= interval_fields(record["sessions"])
                append_record(records, record)
                adopted += 1
            file.unlink()
    return adopted


@contextmanager
def _locked(file: Path) -> Iterator[TextIO]:
    """A new file, locked before it can be found under its final name."""
    from filelock import lock_descriptor

    make_folder(file.parent)
    with file.open("w") as opened:
        lock_descriptor(opened.fileno())
        yield opened
