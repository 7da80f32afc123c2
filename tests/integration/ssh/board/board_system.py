"""What is the test board made of?

A file system in memory with what a program sees on a Raspberry Pi 5: a /proc and a /sys that tell
of its cores, clocks and temperature, a device tree, /etc/os-release and a home. Its shell is dash
and its tools are this machine's, but for `uname`; or all are an arm64 busybox. A test changes
what it wants changed (shell, configuration of sshd, a temperature) by writing to these files.
"""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from system import MAGIC, MASK

TOOLS = (
    *("cat", "chmod", "cut", "date", "df", "echo", "false", "grep", "head", "id", "kill"),
    *("ls", "mkdir", "mv", "printf", "ps", "readlink", "rm", "sed", "sh", "sha256sum", "sleep"),
    *("stat", "taskset", "test", "tr", "true", "uname", "[", "wc"),
)
A76, KHZ = 0xD0B, 2_400_000
SSHD_CONFIG = """HostKey /etc/ssh/host_key
AuthorizedKeysFile /etc/ssh/authorized_keys
StrictModes no
UsePAM no
PasswordAuthentication no
KbdInteractiveAuthentication no
PidFile none
"""
TREE = "sys/firmware/devicetree/base"


def build(root: Path, toolbox: Path, keys: Path, home: str, busybox: bool) -> None:
    """Mounts the board's file systems at `root`; needs namespaces of its own."""
    _run("mount", "-t", "tmpfs", "-o", "mode=755", "board", root)
    for name in ("bin", "usr", "etc/ssh", "proc", "sys", "dev", "tmp", "var/log", "home/pi"):
        (root / name).mkdir(parents=True)
    _run("mount", "--rbind", "/usr", root / "usr")
    for name in ("lib", "lib64"):
        if Path(f"/{name}").is_symlink():
            (root / name).symlink_to(f"usr/{name}")
    _run("mount", "-t", "proc", "proc", root / "proc")
    for name in ("null", "zero", "urandom", "random"):
        (root / "dev" / name).touch()
        _run("mount", "--bind", f"/dev/{name}", root / "dev" / name)
    _tools(root / "bin", toolbox, busybox)
    _configure(root / "etc", keys, "/bin" if busybox else "/bin:/usr/bin")
    _hardware(root)
    _run("mount", "-t", "tmpfs", "-o", home, "home", root / "home/pi")


def run_arm64_programs(emulator: str) -> None:
    """Registers QEMU for the programs of this user namespace; nothing outside it changes.

    A program keeps its name (flag P), which is how busybox knows what it is. The kernel opens the
    emulator now (flag F): the board's file system need not hold it.
    """
    _run("mount", "-t", "binfmt_misc", "none", "/proc/sys/fs/binfmt_misc")
    rule = f":arm64:M::{MAGIC}:{MASK}:{emulator}:PF"
    Path("/proc/sys/fs/binfmt_misc/register").write_text(rule)


def _tools(folder: Path, toolbox: Path, busybox: bool) -> None:
    (folder / "busybox").write_bytes(toolbox.read_bytes())
    (folder / "busybox").chmod(0o755)
    for name in TOOLS if busybox else ("uname",):
        (folder / name).symlink_to("busybox")
    if not busybox:
        (folder / "sh").symlink_to("/usr/bin/dash")


def _configure(etc: Path, keys: Path, path: str) -> None:
    variables = f"SetEnv PATH={path} QEMU_CPU=cortex-a76\n"
    (etc / "ssh/sshd_config").write_text(SSHD_CONFIG + variables)
    (etc / "ssh/host_key").write_bytes((keys / "host_key").read_bytes())
    (etc / "ssh/host_key").chmod(0o600)
    (etc / "ssh/authorized_keys").write_bytes((keys / "user_key.pub").read_bytes())
    (etc / "passwd").write_text("pi:*:1000:1000::/home/pi:/bin/sh\n")
    (etc / "group").write_text("pi:x:1000:\n")
    (etc / "os-release").write_text('PRETTY_NAME="Test Linux 12 (bookworm)"\n')


def _hardware(root: Path) -> None:
    cores = sorted(os.sched_getaffinity(0))
    cpuinfo = root / "etc/cpuinfo"
    cpuinfo.write_text("".join(map(_cpuinfo, cores)))
    _run("mount", "--bind", cpuinfo, root / "proc/cpuinfo")
    files = {
        f"{TREE}/model": "Test Board\0",
        f"{TREE}/compatible": "depthbench,test-board\0depthbench,emulated\0",
        "sys/class/thermal/thermal_zone0/type": "cpu-thermal\n",
        "sys/class/thermal/thermal_zone0/temp": "41500\n",
    }
    for core in cores:
        clock = f"sys/devices/system/cpu/cpu{core}/cpufreq"
        for name in ("scaling_cur_freq", "scaling_max_freq", "cpuinfo_max_freq"):
            files[f"{clock}/{name}"] = f"{KHZ}\n"
        files[f"{clock}/scaling_governor"] = "ondemand\n"
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def _cpuinfo(core: int) -> str:
    return (
        f"processor\t: {core}\nBogoMIPS\t: 108.00\n"
        "Features\t: fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid "
        "asimdrdm lrcpc dcpop asimddp\nCPU implementer\t: 0x41\nCPU architecture: 8\n"
        f"CPU variant\t: 0x4\nCPU part\t: {A76:#05x}\nCPU revision\t: 1\n\n"
    )


def _run(*command: object) -> None:
    subprocess.run([str(word) for word in command], check=True, stdin=subprocess.DEVNULL)
