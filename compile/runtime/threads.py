"""How many threads compiled code runs on in this process."""

from __future__ import annotations

import os
import threading

from depthbench.errors import InputError

# A worker that finds nothing to do asks again so often before it sleeps: about a millisecond, so
# that it stays awake from one kernel to the next. TVM's own 300,000 keep a core busy long after.
SPINS = 2000
_pool = threading.local()


def usable_cores() -> int:
    """How many cores this process may run on: fewer than there are, where it is pinned to some."""
    return len(os.sched_getaffinity(0))


def use_threads(count: int) -> None:
    """Let what the calling thread runs from now on run on `count` threads, itself among them.

    TVM keeps one pool for each thread that calls it, as large as it was first asked for: here as
    many as there are cores for it. Its threads are not bound to cores, so that a pin of the process
    holds. Raises InputError for more threads than the pool has.
    """
    if getattr(_pool, "count", None) == count:
        return
    import tvm

    size = getattr(_pool, "size", 0) or usable_cores()
    if not 1 <= count <= size:
        raise InputError(f"{count} threads: there are {size} cores; ask for 1 to {size}")
    os.environ.setdefault("TVM_BIND_THREADS", "0")
    os.environ.setdefault("TVM_THREAD_POOL_SPIN_COUNT", str(SPINS))
    configure = tvm.get_global_func("runtime.config_threadpool")
    share_all_cores = -3
    # TVM takes the number from the length of a list of cores, which unbound threads do not use.
    for number in dict.fromkeys((size, count)):
        configure(share_all_cores, number, [str(core) for core in range(number)])
    _pool.size, _pool.count = size, count
