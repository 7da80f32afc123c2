"""What this machine is, of trees of files such as Linux shows on boards."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from compile import host_processor, targets
from compile.records import tuned_choices

A55, A76, A78 = ("0x41", "0xd05"), ("0x41", "0xd0b"), ("0x41", "0xd41")
KRYO = ("0x51", "0x804")


def machine(
    root: Path,
    cores: Sequence[tuple[str, str]],
    capacities: Sequence[int] = (),
    l2: Sequence[str] = (),
) -> Path:
    """The files of a machine with these cores: implementer and part of each, capacity, L2."""
    blocks = [
        f"processor\t: {number}\nFeatures\t: fp asimd asimdhp asimddp\n"
        f"CPU implementer\t: {implementer}\nCPU part\t: {part}\n"
        for number, (implementer, part) in enumerate(cores)
    ]
    files = {"proc/cpuinfo": "\n".join(blocks)}
    for number, capacity in enumerate(capacities):
        files[f"{host_processor.CPUS}/cpu{number}/cpu_capacity"] = str(capacity)
    for number, size in enumerate(l2):
        cache = f"{host_processor.CPUS}/cpu{number}/cache/index2"
        files |= {f"{cache}/level": "2", f"{cache}/type": "Unified", f"{cache}/size": size}
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{text}\n")
    return root


@pytest.mark.parametrize(
    ("cores", "capacities", "is_a76"),
    [
        ([A76] * 4, [], True),  # Raspberry Pi 5: all are alike, and no capacity is told
        ([A55] * 4 + [A76] * 4, [414] * 4 + [1024] * 4, True),  # RK3588
        ([A55] * 6 + [KRYO] * 2, [300] * 6 + [1024] * 2, True),
        ([A55] * 4 + [A76] * 2 + [A78] * 2, [250] * 4 + [800] * 2 + [1024] * 2, False),
        ([A55] * 4, [], False),
        ([], [], False),
    ],
)
def test_a_host_is_an_a76_where_its_large_cores_are(
    tmp_path: Path, cores: list[tuple[str, str]], capacities: list[int], is_a76: bool
) -> None:
    root = machine(tmp_path, cores, capacities)
    assert host_processor.is_a76(root) == is_a76


def test_caches_are_those_of_the_large_cores(tmp_path: Path) -> None:
    l2 = ["128K"] * 4 + ["512K"] * 4
    root = machine(tmp_path, [A55] * 4 + [A78] * 4, [414] * 4 + [1024] * 4, l2)
    assert host_processor.large_core(root) == 4
    assert host_processor.cache_bytes(2, 0, root) == 512 * 1024
    assert host_processor.kind_of_processor(root) == "0x41-0xd41"


def test_the_host_that_is_an_a76_is_compiled_for_as_the_a76(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With the records that were tuned for it, and the same code."""
    root = machine(tmp_path, [A55] * 4 + [A76] * 4, [414] * 4 + [1024] * 4)
    monkeypatch.setattr(targets, "is_a76", lambda: host_processor.is_a76(root))
    monkeypatch.setattr(targets, "processor_name", lambda: host_processor.processor_name(root))
    targets._host.cache_clear()
    try:
        host, phone = targets.get("host"), targets.get("arm64-a76")
    finally:
        targets._host.cache_clear()
    assert host.runs_here
    assert host.tvm == phone.tvm
    assert tuned_choices.file_name(host) == tuned_choices.file_name(phone) == "arm64-a76.json"
    assert tuned_choices.choices_for(host) == tuned_choices.choices_for(phone) != {}
    same = {name: getattr(phone, name) for name in vars(phone) if name not in ("name", "processor")}
    assert {name: getattr(host, name) for name in same} == same
