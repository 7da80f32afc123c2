"""What goes wrong around a session: one clear line, and the phone is usable again."""

from __future__ import annotations

import contextlib
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psutil
import pytest

from android_rpc import remote_calls
from android_rpc.bundle.bundle import Bundle
from android_rpc.devices.emulated import EmulatedPhone
from android_rpc.session import open_session
from android_rpc.tracker.tracker import Tracker
from android_rpc.tracker.tracker_client import TrackerClient
from depthbench.errors import DeviceError

FOREVER = 10**9
USABLE_AGAIN_S = 15.0
X, Y = np.ones((2, 4, 256), np.float32)

Processes = Callable[[str], list[psutil.Process]]
Wait = Callable[[Callable[[], object], float], float]


def use(tracker: Tracker, phone: EmulatedPhone, library: Path) -> None:
    """Runs a model in a session of its own; fails where the phone is not soon usable again."""
    with open_session(tracker.host, tracker.port, phone.key, wait_s=USABLE_AGAIN_S) as session:
        np.testing.assert_array_equal(session.load(library).run([X, Y])[0], X + Y)


def assert_one_line(error: pytest.ExceptionInfo[DeviceError]) -> None:
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 450


# A program that keeps the phone busy; it stands for any client that is ended from outside.
CLIENT = """
import sys
sys.modules["torch"] = None  # TVM imports it when it is there, for a second
from pathlib import Path
import numpy as np
from android_rpc.session import open_session
host, port, key, library = sys.argv[1:]
with open_session(host, int(port), key) as session:
    model = session.load(Path(library))
    model.set_inputs(np.ones((2, 4, 256), np.float32))
    print("running", flush=True)
    model.time(10**9)
"""

# The same with a tracker and a phone of its own.
OWNER = """
import sys
sys.modules["torch"] = None  # TVM imports it when it is there, for a second
from pathlib import Path
import numpy as np
from android_rpc.devices.emulated import EmulatedPhone
from android_rpc.session import open_session
from android_rpc.tracker.tracker import Tracker
phone = EmulatedPhone()
with Tracker() as tracker, phone.serve(tracker) as endpoint, open_session(*endpoint) as session:
    model = session.load(Path(sys.argv[1]))
    model.set_inputs(np.ones((2, 4, 256), np.float32))
    print(phone.key, tracker.pid, flush=True)
    model.time(10**9)
"""


def start(program: str, *arguments: object) -> tuple[subprocess.Popen[str], str]:
    process = subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    return process, process.stdout.readline().strip()


def test_a_killed_client(tracker: Tracker, phone: EmulatedPhone, tiny_model: Path) -> None:
    client, said = start(CLIENT, tracker.host, tracker.port, phone.key, tiny_model)
    assert said == "running"
    client.kill()
    client.communicate()
    use(tracker, phone, tiny_model)


def run_for_ever(
    tracker: Tracker,
    phone: EmulatedPhone,
    library: Path,
    limit_s: float,
    before: Callable[[], None] = lambda: None,
) -> None:
    with open_session(tracker.host, tracker.port, phone.key, timeout_s=limit_s) as session:
        model = session.load(library)
        model.set_inputs([X, Y])
        before()
        model.time(FOREVER)


def test_the_session_limit(tracker: Tracker, phone: EmulatedPhone, tiny_model: Path) -> None:
    with pytest.raises(DeviceError, match="timing the model: the session reached") as error:
        run_for_ever(tracker, phone, tiny_model, 2.0)
    assert_one_line(error)
    use(tracker, phone, tiny_model)


def test_a_device_that_stops_answering(
    tracker: Tracker,
    phone: EmulatedPhone,
    tiny_model: Path,
    processes_with: Processes,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(remote_calls, "GRACE_S", 0.2)
    frozen: list[psutil.Process] = []

    def freeze() -> None:
        frozen.extend(processes_with(phone.key))
        for process in frozen:
            process.suspend()

    try:
        with pytest.raises(DeviceError, match=r"no answer; gave up after 2\.2 s") as error:
            run_for_ever(tracker, phone, tiny_model, 2.0, before=freeze)
    finally:
        for process in frozen:
            with contextlib.suppress(psutil.NoSuchProcess):  # the first ends the second
                process.resume()
    assert len(frozen) == 2
    assert_one_line(error)
    use(tracker, phone, tiny_model)


def test_files_that_are_no_model(
    tracker: Tracker, phone: EmulatedPhone, tiny_model: Path, tmp_path: Path
) -> None:
    text, empty, foreign = (tmp_path / f"{name}.so" for name in ("text", "empty", "foreign"))
    text.write_text("not a library")
    empty.touch()
    content = bytearray(tiny_model.read_bytes())
    content[18:20] = (62).to_bytes(2, "little")  # EM_X86_64
    foreign.write_bytes(content)
    with open_session(tracker.host, tracker.port, phone.key) as session:
        for library, hint in ((text, "is not a"), (empty, "is not a"), (foreign, "is for x86-64")):
            message = rf"loading {library.name}: .*\w.* \(the \w+ {hint}"
            with pytest.raises(DeviceError, match=message) as error:
                session.load(library)
            assert_one_line(error)
        np.testing.assert_array_equal(session.load(tiny_model).run([X, Y])[0], X + Y)


def test_half_a_model(
    tracker: Tracker, phone: EmulatedPhone, tiny_model: Path, tmp_path: Path
) -> None:
    """The loader may crash on it: that ends the session, not the phone."""
    half = tmp_path / "half.so"
    half.write_bytes(tiny_model.read_bytes()[:3000])
    with (
        pytest.raises(DeviceError, match=r"loading half\.so: ") as error,
        open_session(tracker.host, tracker.port, phone.key) as session,
    ):
        session.load(half)
    assert_one_line(error)
    use(tracker, phone, tiny_model)


def test_a_library_without_a_model(tracker: Tracker, phone: EmulatedPhone, tmp_path: Path) -> None:
    source, library = tmp_path / "empty.c", tmp_path / "empty.so"
    source.write_text("int nothing(void) { return 0; }")
    compile_arm64(source, library)
    with (
        pytest.raises(DeviceError, match=r"loading empty\.so: ") as error,
        open_session(tracker.host, tracker.port, phone.key) as session,
    ):
        session.load(library)
    assert_one_line(error)


def test_a_model_that_crashes(
    tracker: Tracker, phone: EmulatedPhone, tiny_model: Path, tmp_path: Path
) -> None:
    source, library = tmp_path / "crash.c", tmp_path / "crash.so"
    source.write_text("__attribute__((constructor)) void f(void) { *(volatile int *)8 = 1; }")
    compile_arm64(source, library)
    with (
        pytest.raises(DeviceError, match=r"loading crash\.so: the device closed") as error,
        open_session(tracker.host, tracker.port, phone.key) as session,
    ):
        session.load(library)
    assert_one_line(error)
    use(tracker, phone, tiny_model)


def compile_arm64(source: Path, library: Path) -> None:
    command = [sys.executable, "-m", "ziglang", "cc", "-target", "aarch64-linux-gnu.2.31"]
    command += ["-shared", "-nostdlib", "-fPIC", "-O1", "-o", str(library)]
    subprocess.run([*command, str(source)], check=True)


def test_a_client_that_takes_its_turn_and_does_not_come(
    tracker: Tracker, phone: EmulatedPhone, tiny_model: Path
) -> None:
    with TrackerClient(tracker.host, tracker.port) as client:
        client.request(phone.key, 5)
    use(tracker, phone, tiny_model)


def test_a_restarted_tracker(bundle: Bundle, tiny_model: Path, processes_with: Processes) -> None:
    with Tracker() as first:
        port = first.port
        phone = EmulatedPhone(bundle)
        serving = phone.serve(first)
        serving.__enter__()
        use(first, phone, tiny_model)
    try:
        with Tracker(port) as second:
            assert second.port == port
            with second.client() as client:
                while not client.serves(phone.key):
                    time.sleep(0.05)
            use(second, phone, tiny_model)
    finally:
        serving.__exit__(None, None, None)
    assert processes_with(phone.key) == []


def test_a_killed_server_is_gone_from_the_tracker(bundle: Bundle) -> None:
    with Tracker() as tracker:
        phone = EmulatedPhone(bundle)
        with phone.serve(tracker), tracker.client() as client:
            assert client.serves(phone.key)
        with (
            pytest.raises(DeviceError, match="is not registered"),
            open_session(tracker.host, tracker.port, phone.key, wait_s=0.5),
        ):
            pass


def end(program: subprocess.Popen[str], how: signal.Signals) -> str:
    """Send `program` a signal until it has ended, and return what it said on stderr.

    Python handles a signal that arrives just before an extension module waits only after the wait.
    The command line repeats it by itself (`bench.cli.interrupt`), a program of one's own does not.
    """
    for _ in range(6):
        program.send_signal(how)
        try:
            return program.communicate(timeout=10)[1]
        except subprocess.TimeoutExpired:
            continue
    program.kill()
    raise AssertionError(f"the program goes on after six {how.name}")


@pytest.mark.parametrize("how", ["SIGINT", "SIGTERM", "SIGKILL"])
def test_an_ended_program_takes_its_tracker_and_phone_with_it(
    how: str, tiny_model: Path, bundle: Bundle, processes_with: Processes, wait_until: Wait
) -> None:
    owner, said = start(OWNER, tiny_model)
    key, tracker_pid = said.split()
    server, _ = processes_with(key)
    command = server.cmdline()
    work = Path(command[command.index("--work") + 1])
    assert work.is_dir()
    errors = end(owner, signal.Signals[how])
    if how == "SIGINT":
        assert errors.strip().endswith("KeyboardInterrupt")
    wait_until(lambda: not processes_with(key), 60)
    wait_until(lambda: not psutil.pid_exists(int(tracker_pid)), 60)
    assert not work.exists()


def test_an_exception_ends_everything(bundle: Bundle, processes_with: Processes) -> None:
    phone = EmulatedPhone(bundle)
    tracker = Tracker()
    pids: list[int] = []

    def fail() -> None:
        with tracker, phone.serve(tracker) as endpoint, open_session(*endpoint):
            pids.append(tracker.pid)
            pids.extend(process.pid for process in processes_with(phone.key))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert len(pids) == 3
    assert processes_with(phone.key) == []
    assert not any(psutil.pid_exists(pid) for pid in pids)
