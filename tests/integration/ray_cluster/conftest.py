"""A cluster of two nodes on this machine, started once for a module."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.sweep.executors.ray_cluster import RayCluster
from tests.integration.ray_cluster.local_cluster import LocalCluster, joined, local_cluster
from tests.integration.ray_cluster.tiny_steps import run


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
    with joined(cluster, 2, tmp_path_factory.mktemp("scratch"), run) as executor:
        yield executor


@pytest.fixture
def ran(tmp_path: Path) -> Path:
    """A folder in which each run of a tiny step leaves its mark."""
    folder = tmp_path / "ran"
    folder.mkdir()
    return folder
