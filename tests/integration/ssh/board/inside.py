"""The board's first process, in namespaces of its own: builds the system, then lets ssh in."""

from __future__ import annotations

import argparse
import contextlib
import fcntl
import os
import signal
import socket
import struct
import subprocess
import sys
import threading
from pathlib import Path

import board_system

SIOCSIFFLAGS, IFF_UP = 0x8914, 1
ROOT = Path("/mnt")  # of this mount namespace; the machine's own stays as it is
# As a user of its own: sshd that is root would want more users than a namespace has.
SSHD = ["unshare", "--user", "--map-user=1000", "--map-group=1000", f"--root={ROOT}"]
SSHD += ["/usr/sbin/sshd", "-i", "-e", "-f", "/etc/ssh/sshd_config"]
PIECE = 1 << 16


class Cable:
    """Carries connections to an sshd each, until it is cut."""

    def __init__(self, listener: socket.socket) -> None:
        self._plugged = True
        self._silent = threading.Event()
        self._bytes_left: int | None = None
        self._ends: set[socket.socket] = set()
        threading.Thread(target=self._accept, args=[listener], daemon=True).start()

    def plug(self) -> None:
        self._plugged = True
        self._silent.clear()

    def silence(self) -> None:
        """Nothing more arrives on either side; the connections are not closed."""
        self._plugged = False
        self._silent.set()

    def cut(self, after_bytes: int = 0) -> None:
        """Cuts all connections, when so much more has come; new ones are cut at once."""
        if after_bytes:
            self._bytes_left = after_bytes
            return
        self._plugged = False
        for end in list(self._ends):
            shut(end)

    def _accept(self, listener: socket.socket) -> None:
        while True:
            outside, _ = listener.accept()
            if not self._plugged:
                outside.close()
                continue
            near, far = socket.socketpair()
            wire = far.fileno()
            with (ROOT / "var/log/sshd").open("ab") as log:
                subprocess.Popen(SSHD, stdin=wire, stdout=wire, stderr=log, start_new_session=True)
            far.close()
            self._ends |= {outside, near}
            for source, sink in ((outside, near), (near, outside)):
                threading.Thread(target=self._copy, args=[source, sink], daemon=True).start()

    def _copy(self, source: socket.socket, sink: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(PIECE):
                if self._silent.is_set():
                    continue
                sink.sendall(piece)
                self._count(len(piece))
        self._ends -= {source, sink}
        shut(source)
        shut(sink)

    def _count(self, size: int) -> None:
        if self._bytes_left is not None:
            self._bytes_left -= size
            if self._bytes_left <= 0:
                self._bytes_left = None
                self.cut()


def shut(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.shutdown(socket.SHUT_RDWR)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--listener", type=int)
    for name in ("emulator", "toolbox", "home", "keys"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--busybox", action="store_true")
    given = parser.parse_args()
    os.set_inheritable(given.listener, False)
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))
    subprocess.run(["mount", "-t", "proc", "proc", "/proc"], check=True)
    board_system.run_arm64_programs(given.emulator)
    board_system.build(ROOT, Path(given.toolbox), Path(given.keys), given.home, given.busybox)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that lost their parent
    cable = Cable(socket.socket(fileno=given.listener))
    print("ready", flush=True)
    for line in sys.stdin:
        obey(line.split(), cable)
        print("done", flush=True)
    os._exit(0)  # the first process of its namespace: all others end with it


def obey(words: list[str], cable: Cable) -> None:
    """Does what a line of standard input says; see `__main__.py`."""
    match words:
        case ["plug"]:
            cable.plug()
        case ["unplug"]:
            cable.cut()
        case ["unplug", "after", count]:
            cable.cut(int(count))
        case ["silence"]:
            cable.silence()
        case ["reboot"]:
            cable.cut()
            with contextlib.suppress(ProcessLookupError):  # nothing runs
                os.kill(-1, signal.SIGKILL)  # all in this namespace but its first process


if __name__ == "__main__":
    main()
