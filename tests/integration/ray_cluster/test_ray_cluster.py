"""Tasks on a real Ray cluster of two nodes: what comes back, and what is lost on the way."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from bench.sweep.executors import ray_cluster
from bench.sweep.executors.executor import TRIES, Done
from bench.sweep.executors.ray_cluster import WAITING, RayCluster
from bench.sweep.executors.ray_membership import difference
from depthbench.errors import DeviceError, InputError, RuntimeLost, ToolMissing
from tests.integration.ray_cluster.local_cluster import LocalCluster
from tests.integration.ray_cluster.tiny_steps import run, sweep, tiny

LIMIT_S = 60.0
WaitUntil = Callable[[Callable[[], object], float], float]


def gather(executor: RayCluster, number: int) -> dict[str, Done]:
    """The next tasks to end, by their texts."""
    ended: dict[str, Done] = {}
    end = time.monotonic() + LIMIT_S
    while len(ended) < number and time.monotonic() < end:
        ended |= {done.task.settings["text"]: done for done in executor.finished(1.0)}
    assert len(ended) == number
    return ended


def text_of(done: Done) -> str:
    assert done.error is None
    assert done.folder is not None
    return (done.folder / "text").read_text()


def nodes_of(executor: RayCluster) -> set[str]:
    return set(executor.under_way().values()) - {WAITING}


def runs(ran: Path) -> list[str]:
    return sorted(file.name.split("-")[0] for file in ran.iterdir())


def processes_of(ran: Path) -> list[int]:
    return [int(file.name.split("-")[1]) for file in ran.iterdir()]


def test_results_travel_to_the_tasks_that_read_them(executor: RayCluster, ran: Path) -> None:
    first = tiny("first", ran)
    executor.submit(first, {})
    done = gather(executor, 1)["first"]
    assert done.task is first
    assert text_of(done) == "first"
    assert done.folder is not None
    second, third = (tiny(text, ran, (first.key,)) for text in ("second", "third"))
    for task in (second, third):
        executor.submit(task, {first.key: done.folder})
    ended = gather(executor, 2)
    assert {name: text_of(each) for name, each in ended.items()} == {
        "second": "firstsecond",
        "third": "firstthird",
    }
    assert runs(ran) == ["first", "second", "third"]
    assert not executor.under_way()


def test_a_killed_worker_gives_its_task_back_so_often(executor: RayCluster, ran: Path) -> None:
    executor.submit(tiny("once", ran, killed=1), {})
    executor.submit(tiny("always", ran, killed=99), {})
    executor.submit(tiny("never", ran), {})
    ended = gather(executor, 3)
    assert (text_of(ended["once"]), ended["once"].lost) == ("once", 1)
    assert (text_of(ended["never"]), ended["never"].lost) == ("never", 0)
    assert isinstance(ended["always"].error, RuntimeLost)
    assert ended["always"].lost == TRIES
    assert runs(ran) == ["always"] * TRIES + ["never"] + ["once"] * 2
    executor.submit(tiny("next", ran), {})
    gather(executor, 1)
    assert not [file for file in ran.iterdir() if Path(file.read_text()).exists()]


def test_a_task_that_fails_says_why_and_where(executor: RayCluster, ran: Path) -> None:
    executor.submit(tiny("fails", ran, fails=True), {})
    executor.submit(tiny("wrong", ran, wrong=True), {})
    ended = gather(executor, 2)
    fails, wrong = (ended[name].error for name in ("fails", "wrong"))
    assert str(fails) == "this step fails; ask for another"
    assert str(wrong) == "KeyError: 'wrong'"
    assert runs(ran) == ["fails", "wrong"]


def test_tasks_end_with_their_driver(
    executor: RayCluster, cluster: LocalCluster, ran: Path, tmp_path: Path, wait_until: WaitUntil
) -> None:
    waiting = tiny("waiting", ran, waits_for=str(tmp_path / "never"))
    with RayCluster(cluster.address, tmp_path, run) as another:
        another.submit(waiting, {})
        wait_until(lambda: another.finished(0.1) or processes_of(ran), LIMIT_S)
        (process,) = processes_of(ran)
        assert psutil.pid_exists(process)
    wait_until(lambda: not psutil.pid_exists(process), LIMIT_S)


def test_a_killed_sweep_leaves_nothing_running_and_goes_on_where_it_was(
    executor: RayCluster, cluster: LocalCluster, ran: Path, tmp_path: Path, wait_until: WaitUntil
) -> None:
    script = "import sys, pathlib, tests.integration.ray_cluster.tiny_steps as tiny_steps\n"
    script += "tiny_steps.sweep(sys.argv[1], pathlib.Path(sys.argv[2]))"
    arguments = [cluster.address, str(tmp_path)]
    with subprocess.Popen([sys.executable, "-c", script, *arguments]) as command:
        try:
            wait_until(lambda: runs(ran) == ["first", "left", "right"], LIMIT_S)
            of_command = psutil.Process(command.pid).children(recursive=True)
        finally:
            command.kill()
    waited = [int(file.name.split("-")[1]) for text in "lr" for file in ran.glob(f"{text}*")]
    wait_until(lambda: not any(psutil.pid_exists(process) for process in waited), LIMIT_S)
    assert of_command
    assert not psutil.wait_procs(of_command, LIMIT_S)[1]
    (tmp_path / "go").touch()
    swept = sweep(cluster.address, tmp_path)
    assert list(swept.state.status.values()) == ["done before", "done", "done", "done"]
    last = swept.store.folder(list(swept.state.tasks)[-1])
    assert (last / "text").read_text() == "firstleftfirstrightlast"
    assert runs(ran) == ["first", "last", "left", "left", "right", "right"]
    ended = [json.loads(line)["key"] for line in (tmp_path / "log").read_text().splitlines()]
    assert ended == [*dict.fromkeys(ended)]
    assert set(ended) == set(swept.state.tasks)


def test_a_driver_that_is_lost_begins_anew(
    executor: RayCluster, ran: Path, tmp_path: Path, wait_until: WaitUntil
) -> None:
    go = tmp_path / "go"
    executor.submit(tiny("waiting", ran, waits_for=str(go)), {})
    wait_until(lambda: executor.finished(0.1) or processes_of(ran), LIMIT_S)
    os.kill(executor.driver, signal.SIGKILL)
    go.touch()
    assert text_of(gather(executor, 1)["waiting"]) == "waiting"
    assert runs(ran) == ["waiting"] * 2


def test_what_ran_on_a_lost_node_runs_on_another(
    executor: RayCluster, cluster: LocalCluster, ran: Path, tmp_path: Path, wait_until: WaitUntil
) -> None:
    go = tmp_path / "go"
    tasks = [tiny(text, ran, waits_for=str(go)) for text in "abc"]
    for task in tasks:
        executor.submit(task, {})
    wait_until(lambda: executor.finished(0.1) or len(nodes_of(executor)) == 2, LIMIT_S)
    assert list(executor.under_way().values()).count(WAITING) == 1
    cluster.lose_node()
    wait_until(lambda: executor.finished(0.1) or executor.slots == 1, LIMIT_S)
    go.touch()
    ended = gather(executor, 3)
    assert [text_of(ended[text]) for text in "abc"] == ["a", "b", "c"]
    assert sorted(done.lost for done in ended.values()) == [0, 0, 1]
    assert len(runs(ran)) == 4


def test_a_driver_without_the_token_is_kept_out(
    executor: RayCluster, cluster: LocalCluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "0" * 32)
    with pytest.raises(DeviceError, match="wants its token; set RAY_AUTH_MODE=token"):
        RayCluster(cluster.address, tmp_path).__enter__()


def test_a_cluster_of_another_ray(
    executor: RayCluster, cluster: LocalCluster, tmp_path: Path
) -> None:
    with cluster.saying_ray("2.44.1"), pytest.raises(ToolMissing) as caught:
        RayCluster(cluster.address, tmp_path).__enter__()
    assert f"{cluster.address} has Ray 2.44.1 on Python" in str(caught.value)


def test_nothing_listens_at_the_address(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = "{}:{}".format(*server.getsockname())
    with pytest.raises(DeviceError, match=f"no Ray cluster answers at {address}"):
        RayCluster(address, tmp_path).__enter__()


def test_what_listens_is_no_cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(ray_cluster.RAY, "RAY_py_gcs_connect_timeout_s", "1")
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = "{}:{}".format(*server.getsockname())
        with pytest.raises(DeviceError, match=f"{address} does not answer as a Ray cluster"):
            RayCluster(address, tmp_path).__enter__()


@pytest.mark.parametrize(
    ("says", "told"),
    [
        (
            [("joined", 1), ("slots", 0)],
            "has no CPU for a task; start a node of it with: ray start",
        ),
        ([("joined", 1)], r"was lost \(exit code 0"),
    ],
)
def test_a_cluster_of_no_use(
    says: list[tuple[str, int]], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ray_cluster, "DRIVER", "tests.integration.ray_cluster.stand_in_driver")
    (tmp_path / "says.json").write_text(json.dumps(says))
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = "{}:{}".format(*server.getsockname())
        with pytest.raises(DeviceError, match=told):
            RayCluster(address, tmp_path).__enter__()


@pytest.mark.parametrize("address", ["", "auto", "head", "head:", ":6379", "ray://head:10001"])
def test_what_is_no_address(address: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="HOST:PORT"):
        RayCluster(address, tmp_path)


def test_ray_is_not_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_cluster, "find_spec", lambda name: None)
    with pytest.raises(ToolMissing, match=r"pip install 'depthbench\[ray\]'"):
        RayCluster("127.0.0.1:6379", tmp_path)


@pytest.mark.parametrize(
    ("theirs", "words"),
    [
        ({"Python": "3.11.7", "onnx": "1.23", "code of cost": "a"}, ""),
        ({"Python": "3.11.7", "onnx": "1.22", "code of cost": "a"}, "has onnx 1.22, here 1.23"),
        ({"Python": "3.11.7", "code of cost": "a"}, "has onnx missing, here 1.23"),
        (None, "has no depthbench"),
    ],
)
def test_a_node_with_another_installation(theirs: dict[str, str] | None, words: str) -> None:
    ours = {"Python": "3.11.7", "onnx": "1.23", "code of cost": "a"}
    told = difference(theirs, ours)
    assert (words in told) if words else not told
