"""Models on the emulated phone, through a tracker, as a user runs them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import psutil
import pytest

from android_rpc.bundle.server_build import build_id
from android_rpc.devices.emulated import EmulatedPhone
from android_rpc.devices.tracker_device import TrackerDevice
from android_rpc.server_identity import ServerIdentity
from android_rpc.session import open_session
from android_rpc.tracker.tracker import Tracker
from depthbench.errors import DeviceError, InputError

RNG = np.random.default_rng(0)
X, Y = RNG.random((2, 4, 256), np.float32)


def compute(tracker: Tracker, key: str, library: Path) -> list[np.ndarray]:
    with open_session(tracker.host, tracker.port, key, timeout_s=60) as session:
        return session.load(library).run({"y": Y, "x": X})


def test_three_sessions_in_a_row_agree_with_numpy(
    tracker: Tracker, phone: EmulatedPhone, tiny_model: Path
) -> None:
    for _ in range(3):
        total, product = compute(tracker, phone.key, tiny_model)
        np.testing.assert_array_equal(total, X + Y)
        np.testing.assert_array_equal(product, X * Y)


def listens_on(process: psutil.Process) -> set[str]:
    connections = process.net_connections("inet")
    return {one.laddr.ip for one in connections if one.status == psutil.CONN_LISTEN}


def test_all_that_listens_is_on_loopback_under_a_key_that_nobody_else_knows(
    tracker: Tracker, phone: EmulatedPhone, processes_with: Callable[[str], list[psutil.Process]]
) -> None:
    listening: set[str] = set()
    for parent in (psutil.Process(tracker.pid), *processes_with(phone.key)):
        with suppress(psutil.NoSuchProcess):  # a session of the test before may just have ended
            for process in (parent, *parent.children(recursive=True)):
                with suppress(psutil.NoSuchProcess):
                    listening |= listens_on(process)
    assert listening == {"127.0.0.1"}
    keys = {EmulatedPhone().key for _ in range(20)} | {phone.key}
    assert len(keys) == 21
    assert all(len(key.rpartition("-")[2]) == 16 for key in keys)
    with (
        pytest.raises(DeviceError, match="is not registered"),
        open_session(tracker.host, tracker.port, "emulated-a76", wait_s=0.5),
    ):
        pass


def test_a_client_with_the_phones_key_alone_is_refused(
    tracker: Tracker, phone: EmulatedPhone
) -> None:
    """The match key, new for every session, is told only to who asks the tracker."""
    from tvm import rpc

    with tracker.client() as client:
        servers = client.summary()["server_info"]
    (port,) = [server["addr"][1] for server in servers if phone.key in server["key"]]
    with pytest.raises(Exception, match="matches key"):
        rpc.connect("127.0.0.1", port, phone.key, 5)


def test_functions_and_paths_that_are_not_for_clients_do_not_exist(
    tracker: Tracker, phone: EmulatedPhone
) -> None:
    with open_session(tracker.host, tracker.port, phone.key) as session:
        connection = session._connection
        connection.get_function("tvm.rpc.server.listdir")
        for name in ("ffi.ModuleLoadFromFile", "rpc.Connect", "ffi.GetFunctionFromGlobal"):
            with pytest.raises(AttributeError, match=f"has no function '{name}'"):
                connection.get_function(name)
        for path in ("/etc/passwd", "../../../../etc/passwd"):
            with pytest.raises(Exception, match="not a path in the server's work folder"):
                connection.download(path)
            with pytest.raises(Exception, match="not a path in the server's work folder"):
                connection.load_module(path)


def test_clients_at_the_same_time_are_served_in_turn(
    tracker: Tracker, phone: EmulatedPhone, tiny_model: Path
) -> None:
    results: list[np.ndarray] = []

    def client() -> None:
        results.append(compute(tracker, phone.key, tiny_model)[0])

    threads = [threading.Thread(target=client) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(results) == 3
    for total in results:
        np.testing.assert_array_equal(total, X + Y)


def test_inputs_by_position_and_times_by_the_device(
    tracker: Tracker, phone: EmulatedPhone, tiny_model: Path
) -> None:
    with open_session(tracker.host, tracker.port, phone.key) as session:
        model = session.load(tiny_model)
        assert model.inputs == ("x", "y")
        with pytest.raises(InputError, match="no inputs yet"):
            model.time()
        total, _ = model.run([X, Y])
        np.testing.assert_array_equal(total, X + Y)
        samples = model.samples(5, number=2)
        assert len(samples) == 5
        assert all(0 < seconds < 1 for seconds in [*samples, model.time(3)])


def test_wrong_inputs_are_the_users_error_and_the_session_goes_on(
    tracker: Tracker, phone: EmulatedPhone, tiny_model: Path, tmp_path: Path
) -> None:
    with open_session(tracker.host, tracker.port, phone.key) as session:
        model = session.load(tiny_model)
        with pytest.raises(InputError, match=r"takes the inputs x, y; given: x$"):
            model.run({"x": X})
        with pytest.raises(InputError, match="takes 2 inputs; given: 1"):
            model.run([X])
        with pytest.raises(InputError, match=r"none\.so: cannot be read"):
            session.load(tmp_path / "none.so")
        with pytest.raises(DeviceError) as caught:
            model.run([X[:2], Y])
        assert "\n" not in str(caught.value)
        np.testing.assert_array_equal(model.run([X, Y])[0], X + Y)


def test_only_kernel_files_can_be_read(tracker: Tracker, phone: EmulatedPhone) -> None:
    with open_session(tracker.host, tracker.port, phone.key) as session:
        assert session.read_file("/proc/uptime").count(" ") == 1
        for path in ("/etc/passwd", "/proc/self/root/etc/passwd", "/proc/../etc/passwd", "proc"):
            with pytest.raises(DeviceError, match=r"not a file of /proc or /sys|No such file"):
                session.read_file(path)


def test_files_outside_the_work_folder_are_refused(tracker: Tracker, phone: EmulatedPhone) -> None:
    refused = "not a path in the server's work folder"
    with open_session(tracker.host, tracker.port, phone.key) as session:
        for target in ("../escaped.so", "/tmp/escaped.so", "a/../../../x", "..", "none/x"):
            with pytest.raises(Exception, match=refused):
                session._connection.upload(bytearray(b"x"), target)
        for library in ("/etc/hostname", "../../x.so", "/proc/self/exe"):
            with pytest.raises(Exception, match=refused):
                session._connection.load_module(library)
        with pytest.raises(Exception, match=refused):
            session._connection.listdir("/")
        assert session._connection.listdir("") == ""


def test_a_session_leaves_no_files_for_the_next(
    tracker: Tracker, phone: EmulatedPhone, tiny_model: Path
) -> None:
    with open_session(tracker.host, tracker.port, phone.key) as session:
        session.load(tiny_model)
        assert session._connection.listdir("") == "model-1.so"
        folder = session._connection.get_function("tvm.rpc.server.workpath")("model-1.so")
        root = Path(folder).parent.parent
    with open_session(tracker.host, tracker.port, phone.key) as session:
        assert session._connection.listdir("") == ""
        assert len(list(root.iterdir())) == 1


def test_sessions_stay_on_the_chosen_cpus(bundle: object, tiny_model: Path) -> None:
    from android_rpc.bundle.bundle import Bundle

    assert isinstance(bundle, Bundle)
    with Tracker() as tracker:
        phone = EmulatedPhone(bundle, cpus=[0])
        with phone.serve(tracker) as endpoint, open_session(*endpoint) as session:
            session.load(tiny_model).run([X, Y])
            assert session.affinity() == [0]
            assert phone.conditions()["cpus"] == [0]


def test_a_device_at_a_tracker_that_runs_elsewhere(
    tracker: Tracker, phone: EmulatedPhone, tiny_model: Path
) -> None:
    device = TrackerDevice(f"tracker:{tracker.host}:{tracker.port}/{phone.key}")
    with device.reach() as endpoint, open_session(*endpoint) as session:
        np.testing.assert_array_equal(session.load(tiny_model).run([X, Y])[0], X + Y)
    assert device.conditions()["emulated"] is True
    absent = TrackerDevice(f"tracker:{tracker.host}:{tracker.port}/absent")
    with pytest.raises(DeviceError, match=f"no device has the key 'absent'; keys: .*{phone.key}"):
        absent.reach().__enter__()


def test_conditions_say_that_the_phone_is_emulated(phone: EmulatedPhone) -> None:
    conditions = phone.conditions()
    assert conditions["emulated"] is True
    assert conditions["cpu_model"] == "cortex-a76"
    assert conditions["emulator"].startswith("qemu-aarch64 version ")
    assert "not a latency" in conditions["note"]


def test_the_server_says_that_it_is_emulated(phone: EmulatedPhone, tracker: Tracker) -> None:
    with open_session(tracker.host, tracker.port, phone.key) as session:
        identity = session.identity()
    assert identity.emulated is True
    # Each of them is seen without the others: other emulators hide other things.
    assert identity.signs == ("machine", "program", "cpuinfo", "counter")
    assert identity.midr == "414fd0b1"  # Cortex-A76 r4p1, by its manual
    assert identity.build == build_id()


def test_tvms_own_server_does_not_say_what_it_is(tracker: Tracker) -> None:
    from tvm import rpc

    server = rpc.Server("127.0.0.1", tracker_addr=(tracker.host, tracker.port), key="of-tvm")
    try:
        with open_session(tracker.host, tracker.port, "of-tvm") as session:
            assert session.identity() == ServerIdentity()
            assert session.identity().emulated is None
    finally:
        server.terminate()


def test_the_wait_for_a_device_has_an_end(tracker: Tracker, phone: EmulatedPhone) -> None:
    with (
        pytest.raises(DeviceError, match=r"device other is not registered \(waited 0.3 s\)"),
        open_session(tracker.host, tracker.port, "other", wait_s=0.3),
    ):
        pass
    with (
        open_session(tracker.host, tracker.port, phone.key),
        pytest.raises(DeviceError, match=r"is busy \(waited 0.3 s\)"),
        open_session(tracker.host, tracker.port, phone.key, wait_s=0.3),
    ):
        pass
