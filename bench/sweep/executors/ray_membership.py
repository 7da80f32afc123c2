"""Joining a Ray cluster whose nodes all have what this machine has."""

from __future__ import annotations

import logging
import platform
from collections.abc import Callable, Mapping
from typing import Any

import ray
import ray.exceptions as of_ray
from ray._common.usage.usage_lib import get_cluster_metadata
from ray._raylet import GcsClient  # type: ignore[attr-defined]  # its stub has it not
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from bench.sweep.executors.ray_worker import installation
from depthbench.errors import DeviceError, ToolMissing
from depthbench.one_line import one_line

ANSWER_S = 60.0
NAMED = 3


def join(address: str) -> None:
    """Be a driver of the cluster; raises DeviceError, and ToolMissing for other versions."""
    try:
        cluster = get_cluster_metadata(GcsClient(address))
    except of_ray.AuthenticationError as error:
        raise DeviceError(
            f"the Ray cluster at {address} wants its token",
            advice="set RAY_AUTH_MODE=token, and RAY_AUTH_TOKEN or RAY_AUTH_TOKEN_PATH",
        ) from error
    except of_ray.RayError as error:
        raise DeviceError(
            f"{address} does not answer as a Ray cluster ({one_line(error)})",
            advice="give the address of a Ray head node",
        ) from error
    theirs = f"Ray {cluster['ray_version']} on Python {cluster['python_version']}"
    ours = f"Ray {ray.__version__} on Python {platform.python_version()}"
    if theirs != ours:
        raise ToolMissing(
            f"the Ray cluster at {address} has {theirs}, this machine {ours}",
            advice="install the same on all machines",
        )
    try:
        ray.init(address, log_to_driver=False, logging_level=logging.CRITICAL)
    except ConnectionError as error:
        raise DeviceError(
            f"this machine is no node of the Ray cluster at {address}",
            advice=f"make it one: ray start --address {address} --num-cpus 0",
        ) from error


def check_nodes() -> None:
    """Raise ToolMissing, with a line that names the node, where one has another installation.

    So it does where a node does not answer within `ANSWER_S` seconds.
    """
    ask = ray.remote(num_cpus=0, max_retries=0)(_asked())
    asked = {
        ask.options(
            scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
        ).remote(): f"node {node['NodeID'][:6]} ({node['NodeManagerAddress']}) of the Ray cluster"
        for node in ray.nodes()
        if node["Alive"] and node["Resources"].get("CPU")
    }
    _, silent = ray.wait(list(asked), num_returns=len(asked), timeout=ANSWER_S)
    if silent:
        raise ToolMissing(f"{asked[silent[0]]} starts no worker within {ANSWER_S:g} s")
    for answer, node in asked.items():
        if why := difference(ray.get(answer), installation()):
            raise ToolMissing(f"{node} {why}", advice="install the same on all machines")


def difference(theirs: Mapping[str, str] | None, ours: Mapping[str, str]) -> str:
    """What a node has otherwise than this machine, in words; empty where nothing."""
    if theirs is None:
        return "has no depthbench, or one without sweeps"
    names = [name for name in {**ours, **theirs} if theirs.get(name) != ours.get(name)]
    return ", ".join(
        f"has {name} {theirs.get(name, 'missing')}, here {ours.get(name, 'missing')}"
        for name in names[:NAMED]
    )


def _asked() -> Callable[[], Any]:
    def asked() -> dict[str, str] | None:
        # Defined here to travel by value: a node that has no depthbench can run it too.
        try:
            from bench.sweep.executors.ray_worker import installation
        except ImportError:
            return None
        return installation()

    return asked
