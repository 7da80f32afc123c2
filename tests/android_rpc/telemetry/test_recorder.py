"""The recorder's own loop, in a shell of this machine."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from android_rpc.telemetry.recorder import Recorder
from android_rpc.transport import Transport


class Here(Transport):
    """This machine, by a shell of it."""

    def __init__(self, shell: str) -> None:
        self._shell = shell

    def command(self, script: str) -> list[str]:
        return [self._shell, "-c", script]

    def shell(self, script: str, timeout_s: float = 30) -> str:
        return subprocess.run(["sh", "-c", script], capture_output=True, text=True).stdout


def wait_until(condition: Callable[[], object]) -> None:
    end = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.mark.parametrize("shell", ["dash", "bash"])
def test_samples_are_taken_when_they_are_asked_for(tmp_path: Path, shell: str) -> None:
    folder, files = tmp_path / "run", tmp_path / "files"
    folder.mkdir()
    files.mkdir()
    zone, current, charge = files / "temp", files / "current_now", files / "charge_counter"
    for path, text in ((zone, "41500"), (current, "-1250000"), (charge, "garbage")):
        path.write_text(f"{text}\n")
    gauge = {str(current): "current_now", str(charge): "charge_counter"}
    recorder = Recorder(Here(shell), PurePosixPath(folder), [0], {str(zone): "cpu-0"}, gauge)
    with recorder.run([]):
        wait_until(lambda: len(recorder.readings()) == 1)
        zone.write_text("45000\n")
        charge.write_text("3000000\n")
        recorder.sample()
        wait_until(lambda: len(recorder.readings()) == 2)
        recorder.sample()
        wait_until(lambda: len(recorder.readings()) == 3)
        first, second, third = recorder.readings()
        summary = recorder.summary()
    uptime = float(Path("/proc/uptime").read_text().split()[0])
    assert 0 < first.uptime_s <= second.uptime_s <= third.uptime_s <= uptime
    assert (first.zones_c, first.hottest_c) == ({"cpu-0": 41.5}, 41.5)
    assert first.battery == {"current_now": -1_250_000}
    assert second.battery == {"current_now": -1_250_000, "charge_counter": 3_000_000}
    assert (summary["samples"], summary["hottest_c"]) == (3, {"cpu-0": 45.0})
    assert summary["hottest_each_sample_c"] == [41.5, 45.0, 45.0]
    wait_until(lambda: not folder.exists())
    assert recorder.readings() == []
