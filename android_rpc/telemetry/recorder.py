"""Records a device's clocks, temperatures and battery while it is measured."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any

from android_rpc.telemetry.battery import battery_celsius
from android_rpc.telemetry.fuel_gauge import BEFORE_DUMP, CHARGES, DUMP, parse_dump
from android_rpc.telemetry.sysfs import CPU
from android_rpc.telemetry.thermal import COLDEST_C, HOTTEST_C, parse_zones
from android_rpc.telemetry.topology import Core
from android_rpc.transport import Transport
from depthbench.errors import DeviceError
from depthbench.processes import ChildProcess, child_process

EVERY_S = 10
LOG = "during.log"
SESSIONS = "sessions"
UPTIME = "/proc/uptime"
# A line for each sample, taken when the time has come, or when a line on the input asks for it;
# then Android may be asked too, which takes programs. It ends with its input, that is with the
# connection: a `read` of its own waits for that, as not every shell's has a limit. Where the
# connection was cut, nobody else can remove the folder: when the server has gone, and with it the
# folder of its sessions, this does.
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
asked=
trap leave EXIT HUP TERM
trap 'asked=1' USR1
exec 3<&0
{{ trap '' HUP; while read -r line <&3; do kill -USR1 $$; done; kill -TERM $$; }} 2> /dev/null &
{before}
while :; do
  line=
  [ -z "$asked" ] || line={dump}
  asked=
  for f in {files}; do
    v=
    {{ read -r v rest < "$f"; }} 2>/dev/null
    line="$line ${{v:--}}"
  done
  echo "$line" >> {log}
  [ -z "$asked" ] || continue
  sleep {every} < /dev/null 3<&- > /dev/null 2>&1 &
  pause=$!
  wait $pause
  kill $pause 2> /dev/null
done"""


@dataclass(frozen=True)
class Reading:
    """A sample: the device's seconds since it started, clocks in MHz by core, zones in °C by name.

    `battery` are raw numbers by the names of `fuel_gauge.GAUGE`, in the units of its driver.
    """

    uptime_s: float
    clocks_mhz: Mapping[str, float] = field(default_factory=dict)
    zones_c: Mapping[str, float] = field(default_factory=dict)
    battery: Mapping[str, float] = field(default_factory=dict)

    @property
    def hottest_c(self) -> float | None:
        """The highest temperature of all zones that one could have."""
        return max((c for c in self.zones_c.values() if c < HOTTEST_C), default=None)

    @property
    def battery_c(self) -> float | None:
        """The battery's temperature, where its driver tells one that a battery can have."""
        told = self.battery.get("temp")
        return None if told is None else battery_celsius(f"{told:.0f}")


class Recorder:
    """Samples the clocks of `cores` and at the zones every ten seconds, on the device itself.

    `zones` are types of zones by the path of their temperature, `gauge` what files of the battery
    tell by path (`fuel_gauge.gauge_files`); without such, samples that are asked for have what
    Android tells of it.
    `folder` is the run's own; it is removed when the recorder ends, after the server's sessions.
    """

    def __init__(
        self,
        transport: Transport,
        folder: PurePosixPath,
        cores: Sequence[int],
        zones: Mapping[str, str],
        gauge: Mapping[str, str],
    ) -> None:
        self._transport = transport
        self._log = folder / LOG
        self._folder = folder
        self._cores = {f"{CPU}{core}/cpufreq/scaling_cur_freq": str(core) for core in cores}
        self._zones = {path: name for path, name in zones.items() if path.endswith("/temp")}
        self._gauge = dict(gauge)
        self._process: ChildProcess | None = None

    @contextmanager
    def run(self, others: Sequence[Core]) -> Iterator[None]:
        """Records during the block, on one of the `others`, the cores that do not compute."""
        told = set(CHARGES) & set(self._gauge.values())
        loop = LOOP.format(
            folder=self._folder,
            mask=f"{sum(1 << core.number for core in others):x}",
            log=LOG,
            sessions=SESSIONS,
            every=EVERY_S,
            before="" if told else BEFORE_DUMP,
            dump="" if told else DUMP,
            files=" ".join(map(shlex.quote, self._files)),
        )
        with child_process(self._transport.command(loop)) as self._process:
            yield

    def sample(self) -> None:
        """Has a sample taken now."""
        if self._process is not None:
            self._process.write("now\n")

    def readings(self) -> list[Reading]:
        """All samples so far; none where the device does not answer."""
        try:
            lines = self._transport.shell(f"cat {self._log} 2>/dev/null; true").splitlines()
        except DeviceError:
            return []
        return [found for line in lines if (found := self._reading(line.split()))]

    def summary(self) -> dict[str, Any]:
        """Number of samples; smallest and largest clock of each core (MHz); in °C the hottest of
        each zone, and of all zones at each sample."""
        readings = self.readings()
        clocks: dict[str, list[float]] = {}
        hottest: dict[str, float] = {}
        for reading in readings:
            for core, mhz in reading.clocks_mhz.items():
                least, most = clocks.get(core, (mhz, mhz))
                clocks[core] = [min(least, mhz), max(most, mhz)]
            for name, celsius in reading.zones_c.items():
                hottest[name] = max(hottest.get(name, COLDEST_C), celsius)
        return {
            "samples": len(readings),
            "every_s": EVERY_S,
            "clocks_mhz": clocks or None,
            "hottest_c": {name: c for name, c in hottest.items() if c < HOTTEST_C} or None,
            "hottest_each_sample_c": [
                reading.hottest_c for reading in readings if reading.hottest_c is not None
            ],
        }

    @property
    def _files(self) -> list[str]:
        return [UPTIME, *self._cores, *self._zones, *self._gauge]

    def _reading(self, words: Sequence[str]) -> Reading | None:
        """The sample in a line: the battery's dump, where there is one, then a word a file."""
        paths = self._files
        dump = words[0] if len(words) == len(paths) + 1 else ""
        values = dict(zip(paths, words[-len(paths) :], strict=False))
        parsed = {path: parse_number(text) for path, text in values.items()}
        numbers = {path: number for path, number in parsed.items() if number is not None}
        if len(values) != len(paths) or UPTIME not in numbers:
            return None
        kinds = {f"{path.rpartition('/')[0]}/type": kind for path, kind in self._zones.items()}
        zones = {path: values[path] for path in self._zones}
        gauge = {name: numbers[path] for path, name in self._gauge.items() if path in numbers}
        return Reading(
            numbers[UPTIME],
            {core: numbers[path] / 1e3 for path, core in self._cores.items() if path in numbers},
            parse_zones({**zones, **kinds}),
            {**parse_dump(dump), **gauge},
        )


def parse_number(text: str) -> float | None:
    """The number that a file of the kernel tells; None of anything else."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
