"""What can go wrong between a user and a phone, and what the user then gets.

Each row of MATRIX is one fault at one moment of `depthbench rpc-measure --device adb:SERIAL` on
the test phone. After each: one clear line, no sample lost, no process left on either side, no rule
of adb's, and the next client measures at once.
"""

from __future__ import annotations

import os
import signal
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from android_rpc.bundle.bundle import Bundle
from android_rpc.devices.adb_phone import AdbPhone
from android_rpc.devices.emulated import EmulatedPhone
from android_rpc.session import open_session
from android_rpc.tracker.tracker import Tracker
from compile.artefact import LIBRARY
from tests.integration.adb.conftest import PhoneDouble
from tests.integration.adb.faults.case import MID_SAMPLING, PIECE, SAMPLES, Case, adb, wait
from tests.integration.adb.faults.command_line import Commands
from tests.integration.adb.faults.row import HOLDS, Note, Row, check_end, note

GONE = r"phone \S+ \(Test Phone\) is gone: unplugged, switched off or restarting; plug it in"
CRASHED = r"the model crashed \(signal 11"
FULL = r"no space left on the (phone|device); free some of its storage"
LIMIT = r"the session reached its limit of 6 s: the model needs more, or never ends"
LIMITED = ("--session-limit", "6")

MATRIX = [
    Row("cable pulled", "push", GONE, kept="none", arm=Case.pull_while_pushing),
    Row("cable pulled", "upload", GONE, kept="none", arm=Case.pull_after_a_piece),
    Row("cable pulled", "first run", GONE, kept="none", strike=Case.unplug),
    Row("cable pulled", "mid-sampling", GONE, strike=Case.unplug),
    Row("phone reboots", "mid-sampling", GONE, strike=Case.reboot),
    Row("server killed", "mid-sampling", r"the server .* was killed", strike=Case.kill_server),
    Row("its child killed", "mid-sampling", r"was killed \(signal 9", strike=Case.kill_session),
    Row(
        *("server frozen", "first run", r"no answer; gave up after 7 s", 3, "none"),
        strike=Case.freeze,
        options=LIMITED,
    ),
    Row(
        *("session time-out", "mid-sampling", LIMIT),
        arm=lambda case: case.plan("8 loop"),
        options=LIMITED,
    ),
    Row(
        *("model crashes", "first run", CRASHED),
        kept="none",
        arm=lambda case: case.plan("1 crash"),
    ),
    Row(
        *("model crashes", "mid-sampling", CRASHED),
        arm=lambda case: case.plan(f"{MID_SAMPLING} crash"),
    ),
    Row(
        *("model never ends", "first run", LIMIT),
        kept="none",
        arm=lambda case: case.plan("1 loop"),
        options=LIMITED,
    ),
    Row("out of memory", "first run", "out of memory", kept="none", strike=Case.forbid_memory),
    Row("full /data", "start", FULL, kept="none", arm=Case.fill_data),
    Row("full /data", "upload", FULL, kept="none", arm=lambda case: case.fill_data(PIECE)),
    Row("full /data", "mid-sampling", exit_code=0, kept="valid", strike=Case.fill_data),
    Row("two clients at once", "mid-sampling", "", 0, "valid", strike=Case.start_another),
    Row("adb server restarted", "mid-sampling", "adb", strike=Case.restart_adb),
    Row(
        *("phone's clock: an hour on", "mid-sampling", "", 0, "valid"),
        strike=lambda case: case.jump(case.set_phone_clock, 1),
    ),
    Row(
        *("phone's clock: an hour back", "mid-sampling", "", 0, "valid"),
        strike=lambda case: case.jump(case.set_phone_clock, -1),
    ),
    Row(
        *("host's clock: an hour on", "mid-sampling", "", 0, "valid"),
        strike=lambda case: case.jump(case.set_host_clock, 1),
    ),
    Row(
        *("host's clock: an hour back", "mid-sampling", "", 0, "valid"),
        strike=lambda case: case.jump(case.set_host_clock, -1),
    ),
    Row(
        "Ctrl-C again and again",
        "mid-sampling",
        "interrupted",
        130,
        strike=Case.press_ctrl_c_until_it_ends,
    ),
    Row(
        *(
            "client killed",
            "mid-sampling",
            "",
            -9,
            "invalid",
            "the process that measured was killed",
        ),
        strike=Case.kill_client,
    ),
    Row(
        *("too warm", "mid-sampling", "", 0, "valid"),  # no latency, but the next session waits
        strike=Case.heat_and_cool,
        options=("--sessions", "2", "--quick"),
    ),
]


@pytest.mark.parametrize("row", MATRIX, ids=str)
def test_a_fault(
    row: Row,
    phone: PhoneDouble,
    commands: Commands,
    artefact: Path,
    bundle: Bundle,
    host_clock: Path,
    tmp_path: Path,
    record_property: Note,
) -> None:
    case = Case(phone, commands, artefact, tmp_path, host_clock)
    if row.arm:
        row.arm(case)
    if row.strike:
        case.plan(HOLDS[row.stage])
    case.command = case.start("run", *row.options)
    if row.strike:
        case.wait_until_held()
        row.strike(case)
        case.let_go()
    ends = []
    for command in (case.command, *case.others):
        ends.append((case.wait_for_end(command), command))
    case.repair()
    if row.exit_code < 0:
        case.measure_again()
    seconds = use(phone, artefact / LIBRARY, bundle)
    wait(lambda: not phone.running())
    left = [line for command in (case.command, *case.others) for line in command.processes()]
    note(record_property, row.fault, row.stage, case.command, left, seconds, row.reason)
    for code, command in ends:
        check_end(row, code, command)
    assert left == []
    assert adb("forward", "--list").strip() == ""
    assert adb("-s", phone.serial, "reverse", "--list").strip() == ""
    assert phone.files() == []


def use(phone: PhoneDouble, library: Path, bundle: Bundle) -> float:
    """Seconds until the next client has got a right result from the phone."""
    started = time.monotonic()
    image = np.random.default_rng(0).random((1, 3, 32, 32), np.float32)
    device = AdbPhone(phone.serial, bundle)
    with Tracker() as tracker, device.serve(tracker) as end, open_session(*end) as session:
        (depth,) = session.load(library).run([image])
        seconds = time.monotonic() - started
    weights = np.array([0.1, 0.7, 0.2], np.float32).reshape(1, 3, 1, 1)
    expected = 1 + (image * weights).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(depth, expected, rtol=1e-5)
    return seconds


def test_the_tracker_is_restarted(
    commands: Commands,
    artefact: Path,
    bundle: Bundle,
    tmp_path: Path,
    record_property: Note,
) -> None:
    """In the midst of a session; device and client find the new one, and nothing is lost."""
    emulated = EmulatedPhone(bundle)
    words = ["rpc-measure", str(artefact), "--warmup", "0", "--samples", str(SAMPLES)]
    with ExitStack() as stack:
        first = stack.enter_context(Tracker())
        stack.enter_context(emulated.serve(first))
        device = f"tracker:{first.host}:{first.port}/{emulated.key}"
        command = commands.start(tmp_path / "run", *words, "--device", device, "--sessions", "2")
        wait(lambda: command.delivered_ms() or not command.running)
        os.kill(first.pid, signal.SIGKILL)
        wait(lambda: not first.running)
        started = time.monotonic()
        second = stack.enter_context(Tracker(first.port))
        wait(lambda: not command.running)
        code = command.wait()
        with open_session(second.host, second.port, emulated.key) as session:
            assert session.affinity()
        seconds = time.monotonic() - started
        left = command.processes()
    note(record_property, "tracker restarted", "mid-sampling", command, left, seconds)
    check_end(Row("tracker restarted", "mid-sampling", "", 0, "valid"), code, command)
    assert len(command.delivered_ms()) == 2 * SAMPLES
    assert left == []
