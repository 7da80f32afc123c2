"""A cluster of two nodes on this machine, started once for a module."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.sweep.executors.ray_cluster import RayCluster
from depthbench.errors import DeviceError
from tests.integration.ray_cluster.local_cluster import LocalCluster, local_cluster
from tests.integration.ray_cluster.tiny_steps import run

START_S = 90.0


@pytest.fixture(scope="module")
def cluster() -> Iterator[LocalCluster]:
    """Two nodes that are about to be up."""
    with local_cluster(nodes=2) as cluster, pytest.MonkeyPatch.context() as patch:
        for name, value in cluster.environment.items():
            patch.setenv(name, value)
        yield cluster


@pytest.fixture(scope="module")
def executor(
    cluster: LocalCluster, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RayCluster]:
    """The workers of both nodes."""
    scratch = tmp_path_factory.mktemp("scratch")
    end = time.monotonic() + START_S
    while True:
        try:
            with RayCluster(cluster.address, scratch, run) as executor:
                while executor.slots < 2 and time.monotonic() < end:
                    executor.finished(0.5)
                yield executor
                return
        except DeviceError:
            if time.monotonic() > end:
                raise
            time.sleep(0.5)


@pytest.fixture
def ran(tmp_path: Path) -> Path:
    """A folder in which each run of a tiny step leaves its mark."""
    folder = tmp_path / "ran"
    folder.mkdir()
    return folder
