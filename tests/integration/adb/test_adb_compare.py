"""compare on a phone behind the real adb client, with the arm64 Python and runtimes' own wheels."""

from __future__ import annotations

import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest

from bench.peers import device_comparison
from bench.peers.device_comparison import compare_on_device
from depthbench.errors import CheckFailed, StorageFull
from tests.integration.adb.conftest import PhoneDouble

DEADLINE_S = 600
ROUNDS = 4

Start = Callable[..., "subprocess.Popen[str]"]
MakePhone = Callable[..., PhoneDouble]


@pytest.fixture(scope="module")
def phone(make_shared_phone: MakePhone) -> PhoneDouble:
    return make_shared_phone()


def assert_nothing_left(phone: PhoneDouble, wait_until: Callable[..., float]) -> None:
    """No process of ours on the phone, no file but what is kept for the next run."""
    wait_until(lambda: phone.running() == [], 60)
    assert phone.files() == []


def worker(phone: PhoneDouble, words: str) -> int:
    """The process on the phone whose command line holds `words`, by its number here."""
    family = psutil.Process(phone.process.pid).children(recursive=True)
    (found,) = [one for one in family if words in " ".join(one.cmdline())]
    return found.pid


def test_runtimes_take_turns_on_a_phone_and_the_one_that_dies_is_lost(
    phone: PhoneDouble, model: Path, tmp_path: Path, wait_until: Callable[..., float]
) -> None:
    told: list[str] = []
    # It does not say any more that it is an emulator: the server still does.
    phone.shell("sed -i /ro.kernel.qemu/d /system/build.prop")

    def strike(line: str) -> None:
        told.append(line)
        if f"round 3 of {ROUNDS}" in line:
            os.kill(worker(phone, "tvm-fp16"), signal.SIGKILL)

    found = compare_on_device(
        *(str(model), tmp_path, f"adb:{phone.serial}"),
        runtimes="tvm,onnxruntime",
        rounds=ROUNDS,
        progress=strike,
        announce=told.append,
    )
    assert found["label"] == "emulated cost, not latency"
    assert found["device"] == {"name": f"adb:{phone.serial}", "emulated": True}
    rows = found["runtimes"]
    assert list(rows) == ["tvm", "onnxruntime"]
    (core,) = found["conditions"]["before"]["cpus"]
    for name, row in rows.items():
        assert (row["precision"], row["threads"], row["cores"]) == ("fp32", 1, [core])
        assert row["ran_on"] == [core]
        assert row["agreement"]["max_relative_difference"] <= 1e-4
        assert row["cpu_ms"]["count"] == len(row["samples"]["wall_ms"]) == ROUNDS
        assert set(row["against"]) == set(rows) - {name}
        assert row["valid"], row["reasons"]
    assert list(found["lost"]) == ["tvm-fp16"]
    assert "process ended" in found["lost"]["tvm-fp16"]
    assert found["conditions"]["after"]["clocks_mhz"] == {str(core): 2600.0}
    (size,) = [line for line in told if " MB of Python and runtimes are pushed" in line]
    _, *pushes = [line for line in told if line.startswith("pushing ")]  # after the bundle's
    assert told.index(size) < told.index(pushes[0])
    pushed = sum(float(line.split()[1]) for line in pushes)
    assert float(size.split()[0]) == pytest.approx(pushed, abs=1)
    assert found["conditions"]["server"]["platform"] == "emulator"
    assert_nothing_left(phone, wait_until)


def test_what_computes_something_else_is_not_timed(
    phone: PhoneDouble,
    model: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    wait_until: Callable[..., float],
) -> None:
    def twice(*given: Any) -> dict[str, np.ndarray]:
        return {name: 2 * value for name, value in honest(*given).items()}

    told: list[str] = []
    honest = device_comparison.reference_outputs
    monkeypatch.setattr(device_comparison, "reference_outputs", twice)
    with pytest.raises(CheckFailed, match=r"differ from onnxruntime's: onnxruntime by 0\.5"):
        compare_on_device(
            *(str(model), tmp_path, f"adb:{phone.serial}"),
            runtimes="onnxruntime",
            announce=told.append,
        )
    assert told == []  # what is there already is not pushed again
    assert_nothing_left(phone, wait_until)


def test_ctrl_c_leaves_nothing(
    phone: PhoneDouble, depthbench: Start, model: Path, wait_until: Callable[..., float]
) -> None:
    device = f"adb:{phone.serial}"
    words = ("compare", str(model), "--device", device, "--runtimes", "onnxruntime")
    process = depthbench(*words, "--rounds", "1000000")
    wait_until(lambda: phone.running("serve onnxruntime") or process.poll() is not None, 300)
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=DEADLINE_S)
    assert (process.returncode, err.splitlines()[-1]) == (130, "depthbench: interrupted")
    assert_nothing_left(phone, wait_until)


def test_a_phone_without_room_is_said(
    make_phone: MakePhone, model: Path, tmp_path: Path, wait_until: Callable[..., float]
) -> None:
    full = make_phone("--data-mib", "8")
    with pytest.raises(StorageFull, match="no space left on the phone"):
        compare_on_device(str(model), tmp_path, f"adb:{full.serial}", runtimes="onnxruntime")
    assert_nothing_left(full, wait_until)
