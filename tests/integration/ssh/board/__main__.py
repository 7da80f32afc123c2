"""A board for tests: the real sshd, and arm64 programs that run under QEMU.

    python tests/integration/ssh/board FOLDER

FOLDER gets `user_key`, which is let in, and `host_key.pub`. Prints the port on loopback as its
first line. Standard input controls it, one order a line, each answered by `done`: `unplug` cuts
all connections (`unplug after N` when N more bytes have come), `silence` loses all that is sent,
`plug` lets new ones in, `reboot` cuts them and ends all that runs; when the input closes the board
ends. It lives in user, mount, network and process namespaces of its own; see `board_system.py` for
what it is made of.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import subprocess
import sys
from pathlib import Path

PHONE = Path(__file__).resolve().parents[2] / "adb" / "phone"
sys.path.append(str(PHONE))
from arm64_shell import find_programs  # noqa: E402

UNSHARE = ["unshare", "--user", "--map-root-user", "--mount", "--net", "--pid"]
UNSHARE += ["--fork", "--kill-child=KILL"]
PROGRAMS = {"qemu-aarch64-static": "qemu-user-static", "sshd": "openssh-server"}


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", type=Path)
    parser.add_argument("--home", default="size=96m", help="mount options of the user's home")
    parser.add_argument("--busybox", action="store_true", help="a board with nothing else")
    arguments = parser.parse_args()
    os.environ["PATH"] += ":/usr/sbin"
    for program, package in PROGRAMS.items():
        if shutil.which(program) is None:
            sys.exit(f"{program} is not installed: sudo apt-get install {package}")
    for name in ("user_key", "host_key"):
        words = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", arguments.folder / name]
        subprocess.run(words, check=True)
    _, toolbox = find_programs()
    # A socket stays in the network namespace that it was made in: this one is the cable.
    listener = socket.create_server(("127.0.0.1", 0))
    os.set_inheritable(listener.fileno(), True)
    print(listener.getsockname()[1], flush=True)
    command = [*UNSHARE, sys.executable, str(Path(__file__).with_name("inside.py"))]
    command += ["--listener", str(listener.fileno()), "--toolbox", str(toolbox)]
    command += ["--emulator", str(shutil.which("qemu-aarch64-static")), "--home", arguments.home]
    command += ["--keys", str(arguments.folder), *(["--busybox"] * arguments.busybox)]
    os.environ["PYTHONPATH"] = str(PHONE)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
