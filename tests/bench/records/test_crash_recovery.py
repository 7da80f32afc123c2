"""A record of a process that was killed is not lost, and one of a living process not touched."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from bench.records.crash_recovery import adopt_unfinished, unfinished
from bench.records.record import new_record, read_records

FIELDS = {"input": [1], **dict.fromkeys(("weights_paper_m", "weights_m"), 1.0), "model": "m"}

WRITER = """
import sys, time
from pathlib import Path
from bench.records.record import new_record
from bench.records.crash_recovery import unfinished
with unfinished(Path(sys.argv[1])) as write:
    for macs in (1.0, 2.0):
        write(new_record("complexity", {"model": "m", "input": [1], "weights_paper_m": 1.0,
              "weights_m": 1.0, "macs_paper_g": macs, "macs_conv_g": macs}))
    print("written", flush=True)
    time.sleep(600)
"""


def test_a_killed_process_leaves_its_last_record(tmp_path: Path) -> None:
    records = tmp_path / "out" / "records.jsonl"
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(records)], stdout=subprocess.PIPE, text=True
    )
    assert writer.stdout is not None
    assert writer.stdout.readline() == "written\n"
    assert adopt_unfinished(records) == 0
    writer.send_signal(signal.SIGKILL)
    writer.communicate()
    assert adopt_unfinished(records) == 1
    (record,) = read_records(records)
    assert record["macs_paper_g"] == 2.0
    assert adopt_unfinished(records) == 0
    assert [file.name for file in records.parent.iterdir()] == ["records.jsonl"]


def test_nothing_is_left_of_a_block_that_ends(tmp_path: Path) -> None:
    records = tmp_path / "records.jsonl"
    fields = {**FIELDS, "macs_paper_g": 1.0, "macs_conv_g": 1.0}
    with unfinished(records) as write:
        write(new_record("complexity", fields))
        write(new_record("complexity", fields))
        assert adopt_unfinished(records) == 0
    assert list(tmp_path.iterdir()) == []
