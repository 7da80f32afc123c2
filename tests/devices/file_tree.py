"""The files and programs of a device, as a folder that a shell can be pointed at."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from tests.devices.profile import Cluster, Profile

CPU = "sys/devices/system/cpu"
# Readable by nobody: a name that leads nowhere is listed, and cannot be opened.
NOWHERE = "/denied"
CPUINFO = """processor\t: {number}
BogoMIPS\t: 38.40
Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm asimddp
CPU implementer\t: {implementer:#04x}
CPU architecture: 8
CPU variant\t: 0x1
CPU part\t: {part:#05x}
CPU revision\t: 0

"""
PROGRAMS = {
    "getprop": """while IFS='=' read -r name value; do
  if [ $# = 0 ]; then echo "[$name]: [$value]"; elif [ "$name" = "$1" ]; then echo "$value"; fi
done < {system}/build.prop
""",
    "dumpsys": """if [ -f "{system}/dumpsys/$1" ]; then cat "{system}/dumpsys/$1"
else echo "Can't find service: $1"; fi
""",
    "settings": """[ -f "{system}/settings/$2 $3" ] || {{ echo null; exit; }}
cat "{system}/settings/$2 $3"
""",
}


def write_tree(profile: Profile, root: Path, shell: str = "/bin/sh", system: str = "") -> None:
    """Writes what the profile says into the folder `root`.

    Its programs are scripts for `shell`, which find their data in `system`, by default where it
    is written.
    """
    files = {
        "proc/cpuinfo": cpuinfo(profile),
        **_clocks(profile),
        **{
            f"sys/class/thermal/thermal_zone{number}/{name}": f"{text}\n"
            for number, (kind, value) in enumerate(profile.zones)
            for name, text in (("type", kind), ("temp", value))
        },
        **{path.lstrip("/"): f"{text}\n" for path, text in profile.files.items()},
        **{f"system/dumpsys/{name}": text for name, text in profile.dumpsys.items()},
        **{f"system/settings/{name}": f"{text}\n" for name, text in profile.settings.items()},
    }
    denied = [path.lstrip("/") for path in profile.denied]
    for path, text in files.items():
        if not path.startswith(tuple(denied)) or not denied:
            _write(root / path, text)
    for path in denied:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).symlink_to(NOWHERE)
    system = system or str(root / "system")
    if profile.android:
        lines = (f"{name}={value}\n" for name, value in profile.properties.items())
        _write(root / "system/build.prop", "".join(lines))
        for name, text in PROGRAMS.items():
            _program(root, name, shell, text.format(system=system))
    for name, text in profile.commands.items():
        _program(root, name, shell, f"echo {shlex.quote(text)}\n")


def cpuinfo(profile: Profile) -> str:
    """The text of /proc/cpuinfo (Linux, arch/arm64/kernel/cpuinfo.c)."""
    entries = (
        CPUINFO.format(number=number, implementer=cluster.implementer, part=cluster.part)
        for number, cluster in sorted(profile.cores.items())
    )
    return "".join(entries) + profile.cpuinfo_tail


def on_cores(profile: Profile, numbers: Mapping[int, int]) -> Profile:
    """The profile with some of its cores only, under other numbers: `numbers` is new by old."""
    clusters = [
        replace(cluster, cores=[numbers[core] for core in cluster.cores if core in numbers])
        for cluster in profile.clusters
    ]
    return replace(profile, clusters=[cluster for cluster in clusters if cluster.cores])


def _clocks(profile: Profile) -> dict[str, str]:
    online = ",".join(map(str, sorted(profile.cores)))
    files = {f"{CPU}/{name}": f"{online}\n" for name in ("present", "online")}
    for core, cluster in profile.cores.items():
        folder = f"{CPU}/cpu{core}"
        midr = cluster.implementer << 24 | 0x1F << 16 | cluster.part << 4
        files[f"{folder}/regs/identification/midr_el1"] = f"{midr:#018x}\n"
        files |= {f"{folder}/cpufreq/{name}": text for name, text in _policy(cluster).items()}
    return files


def _policy(cluster: Cluster) -> dict[str, str]:
    if cluster.khz is None:
        return {}
    lowest, highest = cluster.khz
    return {
        "scaling_cur_freq": f"{lowest}\n",  # nothing computes
        "scaling_min_freq": f"{lowest}\n",
        "scaling_max_freq": f"{highest}\n",
        "cpuinfo_max_freq": f"{highest}\n",
        "scaling_governor": f"{cluster.governor}\n",
    }


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _program(root: Path, name: str, shell: str, text: str) -> None:
    path = root / "system/bin" / name
    _write(path, f"#!{shell}\n{text}")
    path.chmod(0o755)
