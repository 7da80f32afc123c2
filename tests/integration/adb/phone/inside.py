"""The phone's first process, in namespaces of its own: builds the system, then serves adb."""

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
from pathlib import Path

import system
from adbd import Adbd
from governor import Governor

SIOCSIFFLAGS, IFF_UP = 0x8914, 1
ROOT = Path("/mnt")  # of this mount namespace; the machine's own stays as it is


def main() -> None:
    parser = argparse.ArgumentParser()
    for name in ("listener", "data-mib"):
        parser.add_argument(f"--{name}", type=int)
    for name in ("emulator", "shell", "toolbox", "abi"):
        parser.add_argument(f"--{name}")
    parser.add_argument("--unauthorised", action="store_true")
    parser.add_argument("--shape", type=Path)
    given = parser.parse_args()
    os.set_inheritable(given.listener, False)
    shell, toolbox = Path(given.shell), Path(given.toolbox)
    subprocess.run(["mount", "--make-rprivate", "/"], check=True)
    _bring_loopback_up()
    # this process's own /proc, before the phone's hides it behind a chroot
    subprocess.run(["mount", "-t", "proc", "proc", "/proc"], check=True)
    system.run_arm64_programs(given.emulator)
    system.build(ROOT, shell, toolbox, given.abi, given.data_mib, given.shape)
    if given.shape:
        Governor(ROOT).start()
    listener = socket.socket(fileno=given.listener)
    adbd = Adbd(ROOT, system.read_properties(ROOT), authorised=not given.unauthorised)
    adbd.start(listener)
    print("ready", flush=True)
    for line in sys.stdin:
        obey(line.split(), adbd)
        print("done", flush=True)
    os._exit(0)  # the first process of its namespace: all others end with it


def obey(words: list[str], adbd: Adbd) -> None:
    """Does what a line of standard input says; see `__main__.py`."""
    match words:
        case ["plug"]:
            adbd.plug()
        case ["unplug"]:
            adbd.unplug()
        case ["unplug", "after", count]:
            adbd.unplug(int(count))
        case ["reboot"]:
            adbd.unplug()
            with contextlib.suppress(ProcessLookupError):  # nothing runs
                os.kill(-1, signal.SIGKILL)  # all in this namespace but its first process


def _bring_loopback_up() -> None:
    """A new network namespace has a loopback interface that is down (netdevice(7))."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP))


if __name__ == "__main__":
    main()
