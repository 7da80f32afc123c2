"""TVM's RPC tracker on a socket that the parent process has bound; ends with its standard input.

Run by `tracker.Tracker`. TVM's own `tvm.exec.rpc_tracker` starts a second process, which outlives
the first when that is killed.
"""

from __future__ import annotations

import asyncio
import os
import secrets
import socket
import sys
import threading


def _exit_with_stdin() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os._exit(0)


def main() -> None:
    """Serves on the listening socket whose descriptor is the only argument."""
    threading.Thread(target=_exit_with_stdin, daemon=True).start()
    listener = socket.socket(fileno=int(sys.argv[1]))
    # tvm_ffi imports torch when it is there; a tracker has no use for it and would wait 1 s.
    sys.modules["torch"] = None  # type: ignore[assignment]
    from tvm.rpc.tracker import TrackerServerHandler

    asyncio.set_event_loop(asyncio.new_event_loop())
    TrackerServerHandler(listener, stop_key=secrets.token_hex(16)).run()


if __name__ == "__main__":
    main()
