"""A Ray cluster of several nodes on this machine."""

from __future__ import annotations

import os
import secrets
import shutil
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.sweep.executors.ray_cluster import RayCluster
from bench.sweep.executors.ray_worker import Run
from bench.sweep.task import run_task
from depthbench.errors import DeviceError
from depthbench.processes import ChildProcess, run_program

ROOT = Path(__file__).resolve().parents[3]
HOST = "127.0.0.1"
OBJECT_STORE = 80_000_000
START_S = 120.0
END_S = 10.0
GUARDED = """
import os, sys
from depthbench.guard import go_on_guarded
go_on_guarded()
os.execv(sys.argv[1], sys.argv[1:])
"""
"""A program that ends, with all that it has started, also when this process is killed."""

SAY_RAY = """
import json, sys
from ray._common.usage.usage_constants import CLUSTER_METADATA_KEY
from ray._common.usage.usage_lib import get_cluster_metadata
from ray._raylet import GcsClient
cluster = GcsClient(sys.argv[1])
said = get_cluster_metadata(cluster)
print(said["ray_version"])
said["ray_version"] = sys.argv[2]
cluster.internal_kv_put(CLUSTER_METADATA_KEY, json.dumps(said).encode(), True, b"cluster")
"""


class LocalCluster:
    """Nodes of one CPU each; the first is the head, at `address`.

    Whoever uses the cluster needs `environment`: it holds the token that lets in.
    """

    def __init__(self, folder: Path) -> None:
        with socket.create_server((HOST, 0)) as free:
            self.port = free.getsockname()[1]
        self.address = f"{HOST}:{self.port}"
        self.environment = {
            "DEPTHBENCH_CACHE": str(folder / "cache"),
            "PYTHONPATH": str(ROOT),
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(16),
            "RAY_USAGE_STATS_ENABLED": "0",
            # A lost node is noticed after a second, not thirteen.
            "RAY_health_check_failure_threshold": "2",
            "RAY_health_check_initial_delay_ms": "0",
            "RAY_health_check_period_ms": "500",
            # As workers that are no node's; Ray's default is 15.
            "RAY_worker_niceness": "0",
        }
        self._folder = folder
        self._nodes: list[ChildProcess] = []

    def add_node(self) -> None:
        """Start a node, without waiting for it."""
        if self._nodes:
            role = ["--address", self.address]
        else:
            role = ["--head", "--port", str(self.port), "--temp-dir", str(self._folder)]
            role += ["--include-dashboard", "false", "--no-monitor"]
        ray = str(Path(sys.executable).with_name("ray"))
        command = [sys.executable, "-c", GUARDED, ray, "start", "--block", *role]
        command += ["--num-cpus", "1", "--object-store-memory", str(OBJECT_STORE)]
        command += ["--node-ip-address", HOST, "--disable-usage-stats"]
        environment = {**os.environ, **self.environment}
        self._nodes.append(ChildProcess(command, environment, leave_s=END_S))

    def lose_node(self) -> None:
        """Kill the newest node, all of it at once, as a power cut does."""
        self._nodes.pop().end()

    @contextmanager
    def saying_ray(self, version: str) -> Iterator[None]:
        """Have the cluster say that it has another version of Ray, to drivers that join."""
        own = self._say_ray(version)
        try:
            yield
        finally:
            self._say_ray(own)

    def _say_ray(self, version: str) -> str:
        command = [sys.executable, "-c", SAY_RAY, self.address, version]
        environment = {**os.environ, **self.environment}
        return run_program(command, "Ray's version", environment=environment).output.strip()

    def end(self) -> None:
        """Kill all nodes."""
        while self._nodes:
            self.lose_node()


@contextmanager
def local_cluster(nodes: int) -> Iterator[LocalCluster]:
    """A cluster that begins to start; it is gone after the block, however that ends."""
    # Ray's sockets lie in it, whose paths must be short.
    folder = Path(tempfile.mkdtemp(prefix="ray-"))
    cluster = LocalCluster(folder)
    try:
        for _ in range(nodes):
            cluster.add_node()
        yield cluster
    finally:
        cluster.end()
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def joined(
    cluster: LocalCluster, nodes: int, scratch: Path, run: Run = run_task
) -> Iterator[RayCluster]:
    """The workers of a cluster, once so many nodes have started."""
    end = time.monotonic() + START_S
    while True:
        try:
            with RayCluster(cluster.address, scratch, run) as executor:
                while executor.slots < nodes and time.monotonic() < end:
                    executor.finished(0.5)
                yield executor
                return
        except DeviceError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)
