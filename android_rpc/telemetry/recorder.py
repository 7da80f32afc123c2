"""Records a phone's clocks and temperatures while it is measured."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import PurePosixPath
from typing import Any

from android_rpc.telemetry.sysfs import CPU
from android_rpc.telemetry.thermal import COLDEST_C, HOTTEST_C, parse_zones
from android_rpc.telemetry.topology import Core
from android_rpc.transport import Transport
from depthbench.errors import DeviceError
from depthbench.processes import child_process

EVERY_S = 10
LOG = "during.log"
SESSIONS = "sessions"
# A line for each sample. It ends with its input, that is with the connection: `cat` waits for that,
# as not every shell's `read` has a limit. Where the connection was cut, nobody else can remove the
# folder: when the server has gone, and with it the folder of its sessions, this does.
LOOP = """cd {folder} || exit 1
[ {mask} = 0 ] || taskset -p {mask} $$ > /dev/null 2>&1
leave() {{
  trap '' EXIT HUP TERM
  kill $pause 2> /dev/null
  n=0
  while [ -d {sessions} ] && [ $n -lt 50 ]; do sleep 0.1; n=$((n + 1)); done
  cd / && rm -rf {folder}
  exit 0
}}
pause=
trap leave EXIT HUP TERM
exec 3<&0
{{ trap '' HUP; cat <&3 > /dev/null; kill -TERM $$; }} 2> /dev/null &
while :; do
  line=
  for f in {files}; do
    v=
    {{ read -r v < "$f"; }} 2>/dev/null
    line="$line ${{v:--}}"
  done
  echo "$line" >> {log}
  sleep {every} < /dev/null 3<&- > /dev/null 2>&1 &
  pause=$!
  wait $pause
done"""


class Recorder:
    """Samples the clocks of `cores` and at the zones every ten seconds, on the phone itself.

    `folder` is the run's own; it is removed when the recorder ends, after the server's sessions.
    """

    def __init__(
        self,
        transport: Transport,
        folder: PurePosixPath,
        cores: Sequence[int],
        zones: dict[str, str],
    ) -> None:
        self._transport = transport
        self._log = folder / LOG
        self._folder = folder
        self._cores = list(cores)
        # path of the temperature and type of the zone
        self._zones = {path: name for path, name in zones.items() if path.endswith("/temp")}

    @contextmanager
    def run(self, others: Sequence[Core]) -> Iterator[None]:
        """Records during the block, on one of the `others`, the cores that do not compute."""
        files = [f"{CPU}{core}/cpufreq/scaling_cur_freq" for core in self._cores]
        loop = LOOP.format(
            folder=self._folder,
            mask=f"{sum(1 << core.number for core in others):x}",
            log=LOG,
            sessions=SESSIONS,
            every=EVERY_S,
            files=" ".join(map(shlex.quote, [*files, *self._zones])),
        )
        command = self._transport.command(loop)
        with child_process(command):
            yield

    def summary(self) -> dict[str, Any]:
        """Number of samples; smallest and largest clock of each core (MHz); in °C the hottest of
        each zone, and of all zones at each sample."""
        try:
            lines = self._transport.shell(f"cat {self._log} 2>/dev/null; true").splitlines()
        except DeviceError:
            return {}
        rows = [line.split() for line in lines]
        rows = [row for row in rows if len(row) == len(self._cores) + len(self._zones)]
        result: dict[str, Any] = {"samples": len(rows), "every_s": EVERY_S}
        clocks = {}
        for index, core in enumerate(self._cores):
            values = [float(row[index]) / 1e3 for row in rows if row[index].isdigit()]
            if values:
                clocks[str(core)] = [min(values), max(values)]
        hottest: dict[str, float] = {}
        each_sample: list[float] = []
        for row in rows:
            temperatures = dict(zip(self._zones, row[len(self._cores) :], strict=True))
            kinds = {f"{path.rpartition('/')[0]}/type": k for path, k in self._zones.items()}
            zones = parse_zones({**temperatures, **kinds})
            for name, celsius in zones.items():
                hottest[name] = max(hottest.get(name, COLDEST_C), celsius)
            possible = [celsius for celsius in zones.values() if celsius < HOTTEST_C]
            each_sample += [max(possible)] if possible else []
        known = {name: c for name, c in hottest.items() if c < HOTTEST_C}
        return {
            **result,
            "clocks_mhz": clocks or None,
            "hottest_c": known or None,
            "hottest_each_sample_c": each_sample,
        }
