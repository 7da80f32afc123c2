"""The process that drives a sweep's tasks on a Ray cluster for `ray_cluster`.

python -m bench.sweep.executors.ray_driver DESCRIPTOR ADDRESS SCRATCH

Ray ends a driver that has lost its cluster, with no exception, and writes to its standard error:
here neither reaches the command. DESCRIPTOR is this end of a socket. The tasks on the cluster end
with this process, and it ends when the socket or standard input closes.
"""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from pathlib import Path

from depthbench.guard import go_on_guarded


def main(descriptor: int, address: str, scratch: Path) -> None:
    """Carry out what is asked for until the socket closes."""
    go_on_guarded()
    from bench.runtimes.channel import send
    from bench.sweep.executors.ray_membership import check_nodes, join
    from bench.sweep.executors.ray_tasks import RayTasks
    from depthbench.errors import DepthbenchError

    os.chdir(scratch)  # Ray has workers import from the folder where a driver runs
    with socket.socket(fileno=descriptor) as channel:
        try:
            join(address)
            send(channel, ("joined", 1))
            check_nodes()
        except DepthbenchError as error:
            send(channel, ("refused", error))
            return
        asyncio.run(RayTasks(channel, scratch).serve())


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], Path(sys.argv[3]))
