from __future__ import annotations

import getpass
import json
import os
import platform
import socket
from pathlib import Path

import pytest

from bench.records import host_info


def test_tells_what_the_system_tells() -> None:
    host = host_info.host_conditions()
    assert host["cores_usable"] == len(os.sched_getaffinity(0))
    assert host["machine"] == platform.machine()
    assert host["python"] == platform.python_version()
    assert host["memory_gib"] == pytest.approx(
        os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30, rel=0.02, abs=0.1
    )
    json.dumps(host, allow_nan=False)


def test_names_neither_the_machine_nor_its_user() -> None:
    values = [str(value) for value in host_info.host_conditions().values()]
    for name in (socket.gethostname(), getpass.getuser(), str(Path.home())):
        assert name not in values


@pytest.mark.parametrize(
    ("cpuinfo", "model"),
    [
        ("processor\t: 0\nmodel name\t: Some  CPU @ 2.6GHz\n", "Some CPU @ 2.6GHz"),
        ("processor\t: 0\nCPU implementer\t: 0x41\nCPU part\t: 0xd0b\n", "0xd0b"),
        ("nothing known\n", None),
    ],
)
def test_cpu_model_of_x86_and_of_arm(
    cpuinfo: str, model: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cpuinfo").write_text(cpuinfo)
    monkeypatch.setattr(host_info, "CPUINFO", tmp_path / "cpuinfo")
    assert host_info.host_conditions()["cpu"] == model
