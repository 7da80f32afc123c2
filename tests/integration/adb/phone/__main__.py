"""A phone for tests: speaks adb's wire protocol to the real adb client, over loopback.

    python tests/integration/adb/phone          then, elsewhere: adb connect 127.0.0.1:PORT

Prints the port as its first line. Standard input controls it, one order a line, each answered by
`done`: `unplug` cuts the cable (`unplug after N` when N more bytes have come), `plug` restores it,
`reboot` cuts it and ends all that runs; when the input closes the phone ends. The phone lives in
user, mount, network and process namespaces of its own, where arm64 programs run under QEMU; see
`system.py` for what it is made of.
"""

from __future__ import annotations

import argparse
import os
import shutil
import socket
import sys
from pathlib import Path

from arm64_shell import find_programs

UNSHARE = ["unshare", "--user", "--map-root-user", "--mount", "--net", "--pid"]
UNSHARE += ["--fork", "--kill-child=KILL"]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0, help="on loopback; 0 takes a free one")
    parser.add_argument("--unauthorised", action="store_true", help="nobody confirms on the screen")
    parser.add_argument("--data-mib", type=int, default=512, help="size of /data")
    parser.add_argument("--abi", default="arm64-v8a")
    parser.add_argument("--shape", help="a folder with the files of a real device: tests/devices")
    arguments = parser.parse_args()
    emulator = shutil.which("qemu-aarch64-static")
    if emulator is None:
        sys.exit("qemu-aarch64-static is not installed: sudo apt-get install qemu-user-static")
    shell, toolbox = find_programs()
    # A socket stays in the network namespace that it was made in: this one is the cable.
    listener = socket.create_server(("127.0.0.1", arguments.port))
    os.set_inheritable(listener.fileno(), True)
    print(listener.getsockname()[1], flush=True)
    command = [*UNSHARE, sys.executable, str(Path(__file__).with_name("inside.py"))]
    command += ["--listener", str(listener.fileno()), "--emulator", emulator]
    command += ["--shell", str(shell), "--toolbox", str(toolbox), "--abi", arguments.abi]
    command += ["--data-mib", str(arguments.data_mib)]
    command += ["--unauthorised"] * arguments.unauthorised
    command += ["--shape", arguments.shape] if arguments.shape else []
    os.execvp(command[0], command)


if __name__ == "__main__":
    main()
