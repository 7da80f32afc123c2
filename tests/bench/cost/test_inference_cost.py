"""Counts and costs of blocks are summed by kernel."""

from __future__ import annotations

import errno
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest

from bench.cost.counting import line_counts, programs
from bench.cost.counting.line_counts import Counts
from bench.cost.estimating import arm64_words, cycles
from bench.cost.inference_cost import _write_inputs, busiest, cost_of, count
from bench.cost.memory import traffic
from bench.cost.memory.core import RASPBERRY_PI_5
from compile.artefact import Artefact
from depthbench.errors import ToolMissing

FMLA, NOP, RET = 0x4E22CC20, 0xD503201F, 0xD65F03C0
TEXTS = {FMLA: "fmla v0.4s, v1.4s, v2.4s", NOP: "nop", RET: "ret"}


@pytest.fixture(autouse=True)
def two_cycles_a_word(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CPU that takes two cycles for every instruction."""

    def estimate(blocks: Iterable[tuple[int, ...]]) -> dict[tuple[int, ...], float]:
        return {block: 2.0 * len(block) for block in blocks}

    monkeypatch.setattr(cycles, "estimate", estimate)
    monkeypatch.setattr(
        arm64_words, "disassemble", lambda words: {word: TEXTS[word] for word in words}
    )


def test_a_kernel_sums_its_blocks() -> None:
    counts = Counts(
        {(0, (NOP,)): 2, (4, (FMLA, FMLA, NOP)): 100, (64, (RET,)): 1}, instructions=(303, 303)
    )
    cost = cost_of(counts, lambda address: "b" if address == 64 else "a", {0, 64})
    assert cost.instructions == 303
    assert cost.est_cycles == pytest.approx(606)
    first, second = cost.shares
    assert (first.name, first.calls, first.instructions) == ("a", 2, 302)
    assert first.macs == 800  # two of four lanes, a hundred times
    assert first.fma_cycles == 100  # two of them in a cycle
    assert (second.name, second.calls, second.instructions, second.macs) == ("b", 1, 1, 0)
    assert sum(share.est_cycles for share in cost.shares) == pytest.approx(cost.est_cycles)


def test_rare_blocks_cost_the_mean() -> None:
    counts = Counts({(0, (NOP, RET)): 10**6, (8, (RET, RET, RET)): 1}, instructions=())
    cost = cost_of(counts, str)
    assert cost.simulated < 1
    assert cost.est_cycles == pytest.approx(2 * counts.total)


def test_the_busiest_blocks_come_first_whatever_their_address() -> None:
    counts = Counts({(0, (NOP,)): 60, (4, (RET,)): 30, (8, (NOP,)): 5, (12, (FMLA,)): 5}, ())
    assert busiest(counts, 0.6) == ([(NOP,)], 0.65)
    chosen, held = busiest(counts, 1.0)
    assert chosen[:2] == [(NOP,), (RET,)]
    assert held == 1.0


def test_nothing_costs_nothing() -> None:
    cost = cost_of(Counts({}, ()), str)
    assert (cost.instructions, cost.est_cycles, cost.shares) == (0, 0, ())


def test_inputs_on_a_full_disk_say_so(tmp_path: Path) -> None:
    manifest = {"inputs": [{"name": "image", "dtype": "float32", "shape": [1, 3, 8, 8]}]}
    (tmp_path / "input0").symlink_to("/dev/full")
    with pytest.raises(OSError, match="No space left") as raised:
        _write_inputs(Artefact(tmp_path, manifest), {"image": np.zeros((1, 3, 8, 8))}, tmp_path)
    assert raised.value.errno == errno.ENOSPC


def test_a_plugin_that_cannot_be_made_is_no_emulator_without_plugins(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def emulator_plugin(source: Path, emulator: str) -> Path:
        raise ToolMissing("ziglang is not installed")

    monkeypatch.setattr(programs, "emulator_plugin", emulator_plugin)
    monkeypatch.setattr(traffic, "find_plugin_emulator", lambda: "qemu-aarch64")
    with pytest.raises(ToolMissing, match="ziglang is not installed"):
        count(["program"], {}, RASPBERRY_PI_5)
    monkeypatch.setattr(traffic, "find_plugin_emulator", lambda: None)
    without = Counts({}, ())
    monkeypatch.setattr(line_counts, "count", lambda *_, **__: without)
    assert count(["program"], {}, RASPBERRY_PI_5) == (without, None)
