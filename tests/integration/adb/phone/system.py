"""What is the test phone made of?

A file system in memory with what a program sees on an Android phone: mksh as /system/bin/sh,
/data/local/tmp, a /proc and a /sys that tell of two clusters of cores, clocks, temperatures and
a battery, `getprop` and `dumpsys`. What a test wants to change (a temperature, a governor) it
changes with `adb shell`, by writing to /sys. There is no /tmp, as on a phone. Of a real device's
shape it has that device's files and programs instead (`tests/devices`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

TOOLS = (
    *("cat", "chmod", "cp", "cut", "date", "df", "echo", "env", "false", "find", "grep", "head"),
    *("id", "kill", "ln", "ls", "mkdir", "mv", "ps", "rm", "rmdir", "sed", "seq", "sha256sum"),
    *("sleep", "sort", "stat", "tail", "taskset", "test", "touch", "true", "uname", "wc", "["),
)
A55, A76 = 0xD05, 0xD0B
CLOCKS_KHZ = {A55: 1_800_000, A76: 2_600_000}
ZONES = {"cpu-0-0": 38_000, "cpu-1-0": 41_500, "gpu": 36_000, "battery": 28_500}
# e_ident without the ABI's number, an executable or a shared object, for AArch64
MAGIC = r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
MASK = r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"

GETPROP = """#!/system/bin/sh
while IFS='=' read -r name value; do
  if [ $# = 0 ]; then echo "[$name]: [$value]"; elif [ "$name" = "$1" ]; then echo "$value"; fi
done < /system/build.prop
"""
DUMPSYS = """#!/system/bin/sh
read -r temperature < /sys/class/power_supply/battery/temp
read -r level < /sys/class/power_supply/battery/capacity
read -r display < /sys/class/display
case $1 in
battery) echo "Current Battery Service state:
  AC powered: false
  USB powered: true
  Wireless powered: false
  Max charging current: 500000
  status: 2
  health: 2
  present: true
  level: $level
  scale: 100
  voltage: 4187
  temperature: $temperature
  technology: Li-ion";;
power) echo "POWER MANAGER (dumpsys power)

Power Manager State:
  mWakefulness=$display
  mIsPowered=true";;
*) echo "Can't find service: $1";;
esac
"""


SETTINGS = """#!/system/bin/sh
[ "$*" = "get global low_power" ] && read -r saver < /sys/class/battery_saver
echo ${saver:-null}
"""
# Keeps what it was asked to start.
AM = """#!/system/bin/sh
echo "$*" > /data/local/tmp/asked_of_am
[ -e /data/local/tmp/browser ]
"""


def properties(abi: str) -> dict[str, str]:
    """What `getprop` tells, first of all that this is no phone."""
    return {
        "ro.kernel.qemu": "1",
        "ro.product.manufacturer": "depthbench",
        "ro.product.model": "Test Phone",
        "ro.product.name": "test_phone",
        "ro.product.device": "test",
        "ro.product.cpu.abi": abi,
        "ro.build.version.release": "14",
        "ro.soc.model": "emulated",
    }


def read_properties(root: Path) -> dict[str, str]:
    """Those of the phone that was built at `root`."""
    lines = (root / "system/build.prop").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines)


def build(
    root: Path, shell: Path, toolbox: Path, abi: str, data_mib: int, shape: Path | None
) -> None:
    """Mounts the phone's file systems at `root`; needs namespaces of its own."""
    _run("mount", "-t", "tmpfs", "-o", "mode=755", "phone", root)
    for name in ("system/bin", "data", "proc", "sys", "dev"):
        (root / name).mkdir(parents=True)
    _run("mount", "-t", "tmpfs", "-o", f"size={data_mib}m,mode=771", "data", root / "data")
    (root / "data/local/tmp").mkdir(parents=True)
    _run("mount", "-t", "proc", "proc", root / "proc")
    for name in ("null", "zero", "urandom", "random"):
        (root / "dev" / name).touch()
        _run("mount", "--bind", f"/dev/{name}", root / "dev" / name)
    _tools(root / "system", shell, toolbox, abi)
    cpuinfo = root / "system/cpuinfo"
    if shape:
        for name in ("sys", "system"):
            shutil.copytree(shape / name, root / name, symlinks=True, dirs_exist_ok=True)
        shutil.copy(shape / "proc/cpuinfo", cpuinfo)
    else:
        cores = _cores()
        cpuinfo.write_text("".join(_cpuinfo(core, part) for core, part in cores.items()))
        _sys(root / "sys", cores)
    _run("mount", "--bind", cpuinfo, root / "proc/cpuinfo")


def run_arm64_programs(emulator: str) -> None:
    """Registers QEMU for the programs of this user namespace; nothing outside it changes.

    The kernel opens the emulator now (flag F): the phone's file system need not hold it.
    """
    _run("mount", "-t", "binfmt_misc", "none", "/proc/sys/fs/binfmt_misc")
    rule = f":arm64:M::{MAGIC}:{MASK}:{emulator}:F"
    Path("/proc/sys/fs/binfmt_misc/register").write_text(rule)


def _tools(system: Path, shell: Path, toolbox: Path, abi: str) -> None:
    for name, source in {"sh": shell, "busybox": toolbox}.items():
        (system / "bin" / name).write_bytes(source.read_bytes())
        (system / "bin" / name).chmod(0o755)
    for name in TOOLS:
        (system / "bin" / name).symlink_to("busybox")
    scripts = {"getprop": GETPROP, "dumpsys": DUMPSYS, "settings": SETTINGS, "am": AM}
    for name, text in scripts.items():
        (system / "bin" / name).write_text(text)
        (system / "bin" / name).chmod(0o755)
    lines = (f"{name}={value}\n" for name, value in properties(abi).items())
    (system / "build.prop").write_text("".join(lines))


def _cores() -> dict[int, int]:
    """This machine's usable cores as a phone's: the first half small, the others big."""
    cores = sorted(os.sched_getaffinity(0))
    return {core: A55 if i < len(cores) // 2 else A76 for i, core in enumerate(cores)}


def _cpuinfo(core: int, part: int) -> str:
    return (
        f"processor\t: {core}\nBogoMIPS\t: 38.40\n"
        "Features\t: fp asimd aes atomics fphp asimdhp asimddp\n"
        "CPU implementer\t: 0x41\nCPU architecture: 8\nCPU variant\t: 0x4\n"
        f"CPU part\t: {part:#05x}\nCPU revision\t: 0\n\n"
    )


def _sys(sys: Path, cores: dict[int, int]) -> None:
    files = {"class/display": "Awake", "class/battery_saver": "0"}
    for core, part in cores.items():
        policy = f"devices/system/cpu/cpu{core}/cpufreq"
        for name in ("scaling_cur_freq", "scaling_max_freq", "cpuinfo_max_freq"):
            files[f"{policy}/{name}"] = str(CLOCKS_KHZ[part])
        files[f"{policy}/scaling_governor"] = "schedutil"
    for number, (name, temperature) in enumerate(ZONES.items()):
        files[f"class/thermal/thermal_zone{number}/type"] = name
        files[f"class/thermal/thermal_zone{number}/temp"] = str(temperature)
    files["class/power_supply/battery/temp"] = "285"
    files["class/power_supply/battery/capacity"] = "85"
    for name, text in files.items():
        (sys / name).parent.mkdir(parents=True, exist_ok=True)
        (sys / name).write_text(f"{text}\n")


def _run(*command: object) -> None:
    subprocess.run([str(word) for word in command], check=True, stdin=subprocess.DEVNULL)
