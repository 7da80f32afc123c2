"""QEMU's plugin and its log count the same, and neither leaves anything behind."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from bench.cost.counting import instrumented_run, line_counts, programs
from bench.cost.counting.line_counts import parse_blocks, steady
from depthbench.emulator import find_emulator, find_plugin_emulator
from depthbench.errors import CheckFailed, ToolMissing

TURNS, ADDS = 1000, 3000
MARK = ".inst 0xd28c8c9f, 0xd28c6c7f"
# An inference: a mark, a loop, a line that crosses pages, a call, and the count of inferences.
PROGRAM = f"""
    .globl _start
    _start: mov x19, #3
    inference: {MARK}
    mov x0, #{TURNS}
    loop: fmla v0.4s, v1.4s, v2.4s
    subs x0, x0, #1
    b.ne loop
    .rept {ADDS}
    add x1, x1, #1
    .endr
    bl called
    subs x19, x19, #1
    b.ne inference
    {MARK}
    mov x0, #0
    mov x8, #94
    svc #0
    called: ret
"""
INSTRUCTIONS = 2 + 1 + 3 * TURNS + ADDS + 1 + 1 + 2
ENDLESS = ".globl _start\n_start: b _start"
KILLED = f"""
    .globl _start
    _start: {MARK}
    mov x8, #172
    svc #0
    mov x1, #{int(signal.SIGKILL)}
    mov x8, #129
    svc #0
"""  # kill(getpid(), SIGKILL)
BARE = ("-target", "aarch64-linux-gnu", "-nostdlib", "-static", "-Wno-unused-command-line-argument")

Run = Callable[..., object]
Addresses = tuple[int, int] | None


def with_plugin(command: list[str], file: Path, addresses: Addresses = None) -> bool:
    emulator = find_plugin_emulator()
    assert emulator
    plugin = instrumented_run.Plugin(programs.BLOCK_PLUGIN, file)
    return instrumented_run.run_with_plugins(emulator, [plugin], command, {}, 60.0, addresses)


def with_log(command: list[str], file: Path, addresses: Addresses = None) -> None:
    instrumented_run.run_with_log(command, {}, file, 60.0, addresses)


both_ways = pytest.mark.parametrize("run", [with_plugin, with_log])


@pytest.fixture(scope="module")
def build(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], list[str]]:
    """Makes a program of arm64 assembly, and gives the command that runs it."""
    folder = tmp_path_factory.mktemp("programs")

    def command(assembly: str) -> list[str]:
        (folder / "program.s").write_text(assembly)
        return [str(programs.compile_program(folder / "program.s", BARE, cache=folder))]

    return command


@both_ways
def test_every_instruction_of_an_inference_is_counted(
    run: Run, build: Callable[[str], list[str]], tmp_path: Path
) -> None:
    run(build(PROGRAM), tmp_path / "counts")
    with (tmp_path / "counts").open() as lines:
        found = steady(parse_blocks(lines))
    assert found.instructions == (INSTRUCTIONS, INSTRUCTIONS)
    assert sorted(found.blocks.values()) == [1, 1, 1, 1, TURNS - 1]
    assert max(len(words) for _, words in found.blocks) == ADDS + 1


def test_a_plugin_and_the_log_count_the_same(
    build: Callable[[str], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    by_plugin = line_counts.count(build(PROGRAM), {})
    monkeypatch.setattr(instrumented_run, "find_plugin_emulator", lambda: None)
    assert line_counts.count(build(PROGRAM), {}) == by_plugin


@both_ways
def test_only_code_between_two_addresses_is_counted(
    run: Run, build: Callable[[str], list[str]], tmp_path: Path
) -> None:
    command = build(PROGRAM)
    called = max(address for address, _ in line_counts.count(command, {}).blocks)
    run(command, tmp_path / "counts", (0, called - 1))
    with (tmp_path / "counts").open() as lines:
        found = steady(parse_blocks(lines))
    assert found.instructions == (INSTRUCTIONS - 1, INSTRUCTIONS - 1)


def test_what_is_no_plugin_of_this_emulator_leaves_the_log(
    build: Callable[[str], list[str]], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    other = programs.mark_library()
    monkeypatch.setattr(programs, "emulator_plugin", lambda source, emulator: other)
    assert not with_plugin(build(PROGRAM), tmp_path / "counts")
    assert line_counts.count(build(PROGRAM), {}).instructions == (INSTRUCTIONS, INSTRUCTIONS)


def test_an_emulator_without_plugins_is_told_apart(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert find_plugin_emulator() is None
    with pytest.raises(ToolMissing, match=r"install qemu-user$"):
        line_counts.count(["program"], {})
    plain = tmp_path / "qemu-aarch64"
    plain.write_text('#!/bin/sh\n[ "$1" = -version ]\n')
    plain.chmod(0o755)
    assert find_emulator() == str(plain)
    assert find_plugin_emulator() is None


def test_counts_that_cannot_be_written_are_an_error(build: Callable[[str], list[str]]) -> None:
    for run in (with_plugin, with_log):
        with pytest.raises(CheckFailed, match="No space left on device"):
            run(build(PROGRAM), Path("/dev/full"))


@both_ways
def test_a_full_disk_is_told_where_it_has_no_space_for_the_reason(
    run: Run, build: Callable[[str], list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=0)
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: usage)
    with pytest.raises(OSError, match="No space left on device"):
        run(build(PROGRAM), Path("/dev/full"))


@both_ways
def test_a_program_that_is_killed_is_an_error(
    run: Run, build: Callable[[str], list[str]], tmp_path: Path
) -> None:
    with pytest.raises(CheckFailed, match="the emulated program ended, signal 9"):
        run(build(KILLED), tmp_path / "counts")


def test_a_counter_of_the_log_that_is_killed_is_an_error(
    build: Callable[[str], list[str]],
    tmp_path: Path,
    wait_until: Callable[[Callable[[], object], float], float],
) -> None:
    def counters() -> list[psutil.Process]:
        return [p for p in psutil.Process().children() if p.name().startswith("count_blocks")]

    with ThreadPoolExecutor(1) as pool:
        counting_it = pool.submit(with_log, build(ENDLESS), tmp_path / "counts")
        wait_until(counters, 20)
        for process in counters():
            process.kill()
        with pytest.raises(CheckFailed, match="the counter ended, signal 9"):
            counting_it.result()


@both_ways
def test_nothing_goes_on_when_who_counts_is_killed(
    run: Run,
    build: Callable[[str], list[str]],
    tmp_path: Path,
    wait_until: Callable[[Callable[[], object], float], float],
    processes_with: Callable[[str], list[psutil.Process]],
) -> None:
    code = "import sys; from pathlib import Path; import test_instrumented_run as t; "
    code += f"t.{run.__name__}(sys.argv[2:], Path(sys.argv[1]))"
    endless = build(ENDLESS)
    command = [sys.executable, "-c", code, str(tmp_path / "counts"), *endless]
    with subprocess.Popen(command, cwd=Path(__file__).parent) as counting_it:
        here = psutil.Process(counting_it.pid)
        wait_until(lambda: any(child.cpu_times().user > 0.1 for child in here.children()), 60)
        counting_it.kill()
    wait_until(lambda: not processes_with(str(tmp_path)) + processes_with(endless[0]), 20)
