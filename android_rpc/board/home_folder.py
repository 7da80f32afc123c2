"""The folder of depthbench on a board: below the user's cache, or where that is no use, elsewhere.

A home may be read-only, full, or on a file system from which no program is run. So each folder is
tried, by running a program in it.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from android_rpc.transport import Transport
from depthbench.errors import DeviceError, StorageFull

# Others' folders of that name are not used, nor any that a script would have to quote.
CHOOSE = r"""user=$(id -u)
for folder in "${XDG_CACHE_HOME:-$HOME/.cache}/depthbench" /var/tmp/depthbench-$user \
    /tmp/depthbench-$user /dev/shm/depthbench-$user; do
  case $folder in /*) ;; *) continue;; esac
  case $folder in *[!A-Za-z0-9._/@+-]*) continue;; esac
  (umask 077; mkdir -p "$folder") || continue
  [ -O "$folder" ] || continue
  program=$folder/try-$$
  printf '#!/bin/sh\necho runs\n' > "$program" && chmod 700 "$program" &&
    [ "$("$program")" = runs ]
  failed=$?
  rm -f "$program"
  [ $failed = 0 ] && echo "$folder" && exit 0
done
exit 1"""


def choose_home(transport: Transport) -> PurePosixPath:
    """The first folder in which programs can be written and run; DeviceError when there is none."""
    try:
        return PurePosixPath(transport.shell(CHOOSE).strip())
    except StorageFull:
        raise
    except DeviceError as error:
        raise DeviceError(
            f"{error.message}: no folder can be written to and run programs from, of ~/.cache, "
            "/var/tmp, /tmp and /dev/shm",
            advice="mount one of them without noexec, or set XDG_CACHE_HOME there",
        ) from error
