"""Instructions under emulation are counted exactly, and the same every time."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper

from bench.cost.counting import instrumented_run, line_counts, programs
from bench.cost.counting.library import read_library
from bench.cost.counting.line_counts import parse_blocks
from bench.cost.counting.symbols import Kernels
from bench.cost.estimating import cycles
from bench.cost.estimating.arm64_words import disassemble, macs
from bench.cost.estimating.llvm import find_tool
from bench.cost.inference_cost import (
    CYCLES_NOTE,
    count_artefact,
    measure,
    runner_command,
    runner_environment,
)
from bench.cost.memory import traffic
from bench.cost.memory.core import LINE_BYTES, RASPBERRY_PI_5
from bench.cost.memory.traffic import Moved, count_traffic
from bench.cost.thread_balance import measure_balance
from compile.artefact import Artefact
from compile.pipeline import compile_model
from depthbench.errors import CheckFailed, InputError, ToolMissing
from depthbench.files import cache_folder

# No C library: what it does at its start would be counted as well.
END = r"""
static void end(long code) {
  register long status __asm__("x0") = code, call __asm__("x8") = 94;
  __asm__ volatile("svc #0" : : "r"(status), "r"(call));
}
"""
LOOP = r"""
#include "mark.h"
void _start(void) {
  for (int run = 0; run < 3; run++) {
    long times = TIMES;
    mark();
    __asm__ volatile(
        "1: fmla v0.4s, v1.4s, v2.4s\n"
        "   add x9, x9, #1\n"
        "   subs %0, %0, #1\n"
        "   b.ne 1b\n" : "+r"(times) : : "x9", "v0", "cc");
  }
  mark();
  end(0);
}
"""
READ = r"""
#include "mark.h"
static char memory[LINES * 64L];
void _start(void) {
  for (int run = 0; run < 3; run++) {
    mark();
    for (long i = 0; i < LINES; i++) ((volatile char *)memory)[i * 64];
  }
  mark();
  end(0);
}
"""
BARE = ("-target", "aarch64-linux-gnu", "-nostdlib", "-static", "-fno-stack-protector")
FMLA = 0x4E22CC20  # fmla v0.4s, v1.4s, v2.4s


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], list[str]]:
    """The command of a program whose inferences are so many turns of a loop of four words."""
    folder = tmp_path_factory.mktemp("loop")
    (folder / "loop.c").write_text(END + LOOP)

    def command(times: int) -> list[str]:
        flags = (*BARE, f"-DTIMES={times}L")
        return [str(programs.compile_program(folder / "loop.c", flags, cache=folder))]

    return command


def test_a_loop_twice_as_long_costs_exactly_its_instructions_more(
    loop: Callable[[int], list[str]],
) -> None:
    once, twice = (line_counts.count(loop(times), {}) for times in (5000, 10000))
    assert twice.total - once.total == 4 * 5000
    assert 4 * 5000 <= once.total < 4 * 5000 + 20
    multiplied = sum(
        hits * words.count(FMLA) for (_, words), hits in twice.blocks.items() if FMLA in words
    )
    assert multiplied == 10000


def test_the_same_program_costs_the_same_in_another_process(
    loop: Callable[[int], list[str]],
) -> None:
    first, second = (line_counts.count(loop(777), {}) for _ in range(2))
    assert first == second


def test_a_program_that_fails_or_hangs_or_marks_nothing_is_an_error(
    loop: Callable[[int], list[str]], tmp_path: Path
) -> None:
    with pytest.raises(CheckFailed, match="time limit"):
        line_counts.count(loop(10**12), {}, limit_s=1.0)
    (tmp_path / "quiet.c").write_text(END + "void _start(void) { end(CODE); }")
    for code, message in ((0, "marked 0 of 3"), (3, "exit code 3")):
        flags = (*BARE, f"-DCODE={code}")
        quiet = programs.compile_program(tmp_path / "quiet.c", flags, cache=tmp_path)
        with pytest.raises(CheckFailed, match=message):
            line_counts.count([str(quiet)], {})


def test_the_counter_refuses_a_log_of_another_form(tmp_path: Path) -> None:
    command = [str(programs.counter()), "0", str(tmp_path / "counts")]
    log = b"Trace 0: 0x1 [00000000/0000000000400580/00000001/00000200] main\n"
    done = subprocess.run(command, input=log, capture_output=True)
    assert done.returncode == 1
    assert b"did not describe" in done.stderr


def test_the_counter_keeps_code_that_replaces_other_code_apart(tmp_path: Path) -> None:
    def described(word: int) -> str:
        return f"----------------\nIN: f\n0x00400580:  {word:08x}  nop\n\n"

    entered = "Trace 0: 0x1 [00000000/0000000000400580/00000001/00000200] f\n"
    log = described(0xD503201F) + 3 * entered + described(0xD65F03C0) + 2 * entered
    command = [str(programs.counter()), "0", str(tmp_path / "counts")]
    subprocess.run(command, input=log.encode(), check=True)
    blocks = parse_blocks((tmp_path / "counts").read_text().splitlines())
    assert {(block.words, block.counts) for block in blocks} == {
        ((0xD503201F,), (3,)),
        ((0xD65F03C0,), (2,)),
    }


def test_words_become_text_and_those_that_are_none_are_left_out() -> None:
    texts = disassemble([FMLA, 0xD503201F, 0xFFFFFFFF, FMLA])
    assert texts == {FMLA: "fmla v0.4s, v1.4s, v2.4s", 0xD503201F: "nop"}
    assert macs(texts[FMLA]) == 4


def test_estimates_follow_the_pipes_of_the_cpu(tmp_path: Path) -> None:
    # accumulators of their own: two a cycle; one accumulator: one every four cycles (latency)
    apart = tuple(FMLA & ~31 | register for register in range(8, 24))
    chain = (FMLA,) * 16
    unknown = (0xFFFFFFFF,)
    costs = cycles.estimate([apart, chain, unknown], cache=tmp_path)
    assert costs[apart] == pytest.approx(8, rel=0.1)
    assert costs[chain] == pytest.approx(64, rel=0.4)
    assert costs[chain] > 4 * costs[apart]
    assert costs[unknown] < 1
    assert cycles.estimate([apart], cache=tmp_path) == {apart: costs[apart]}


def test_without_llvm_the_message_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None)
    with pytest.raises(ToolMissing, match="apt-get install llvm-19"):
        find_tool("llvm-mca")


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A 3x3 convolution and a pointwise one, with a ReLU between them."""
    rng = np.random.default_rng(3)
    weights = {"w1": rng.normal(0, 0.3, (16, 3, 3, 3)), "w2": rng.normal(0, 0.3, (8, 16, 1, 1))}
    nodes = [
        helper.make_node("Conv", ["image", "w1"], ["a"], pads=[1, 1, 1, 1], kernel_shape=[3, 3]),
        helper.make_node("Relu", ["a"], ["r"]),
        helper.make_node("Conv", ["r", "w2"], ["depth"]),
    ]
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 16, 24])],
        [helper.make_tensor_value_info("depth", TensorProto.FLOAT, [1, 8, 16, 24])],
        [numpy_helper.from_array(v.astype(np.float32), name) for name, v in weights.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    path = tmp_path_factory.mktemp("network") / "network.onnx"
    onnx.save(model, path)
    return path


@pytest.fixture(scope="module")
def artefact(network: Path, tmp_path_factory: pytest.TempPathFactory) -> Artefact:
    return compile_model(network, "arm64-a76", tmp_path_factory.mktemp("out") / "artefact")


def test_an_artefact_costs_the_same_twice_and_computes_what_onnx_runtime_does(
    network: Path, artefact: Artefact
) -> None:
    image = np.random.default_rng(5).random((1, 3, 16, 24), np.float32)
    (cost, outputs), (again, _) = (measure(artefact, {"image": image}) for _ in range(2))
    assert again.instructions == pytest.approx(cost.instructions, rel=1e-4)
    macs_of_convolutions = 16 * 24 * (16 * 27 + 8 * 16)
    done = sum(share.macs for share in cost.shares)
    assert macs_of_convolutions <= done < 1.6 * macs_of_convolutions
    kernels = {share.name: share for share in cost.shares if share.calls}
    assert len(kernels) >= 2
    assert sum(share.macs for share in kernels.values()) == done
    assert all(share.est_cycles >= share.fma_cycles for share in kernels.values())
    assert cost.est_cycles > sum(share.fma_cycles for share in cost.shares)
    assert cost.to_dict()["note"] == CYCLES_NOTE
    reference = onnxruntime.InferenceSession(str(network))
    (expected,) = reference.run(None, {"image": image})
    assert np.abs(outputs["depth"] - expected).max() <= 1e-4 * np.abs(expected).max()


def test_a_plugin_and_the_log_see_the_same_kernels(
    artefact: Artefact, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = {"image": np.random.default_rng(5).random((1, 3, 16, 24), np.float32)}

    functions = read_library(artefact.library).functions
    ours = {function.name.removeprefix("__tvm_ffi_") for function in functions}

    def kernels() -> Counter[tuple[int, ...]]:
        """What does not depend on where libraries lie and how names are hashed."""
        found = count_artefact(artefact, inputs)
        counted: Counter[tuple[int, ...]] = Counter()
        for (address, words), hits in found.counts.blocks.items():
            if found.owner(address) in ours:
                counted[words] += int(hits)
        return counted

    by_plugin = kernels()
    instructions = sum(len(words) * hits for words, hits in by_plugin.items())
    assert instructions > 16 * 24 * (16 * 27 + 8 * 16) / 4  # each multiplies four numbers
    monkeypatch.setattr(instrumented_run, "find_plugin_emulator", lambda: None)
    assert kernels() == by_plugin


def test_what_a_loop_reads_comes_from_memory_unless_it_fits_into_a_cache(tmp_path: Path) -> None:
    (tmp_path / "read.c").write_text(END + READ)

    def moved(lines: int) -> Moved:
        flags = (*BARE, f"-DLINES={lines}")
        program = programs.compile_program(tmp_path / "read.c", flags, cache=tmp_path)
        return count_traffic([str(program)], {}, RASPBERRY_PI_5)[1].total

    first, second, third = (cache.size // LINE_BYTES for cache in RASPBERRY_PI_5.caches)
    assert moved(first // 2).reads == pytest.approx(first // 2, abs=20)
    small, middle, large = (moved(lines) for lines in (first // 2, second // 2, 4 * third))
    assert small.l1_foreseen + small.l1_unforeseen < 20
    assert middle.l1_foreseen == pytest.approx(second // 2, abs=20)
    assert middle.l2_foreseen + middle.l2_unforeseen < 20
    assert large.l3_foreseen == pytest.approx(4 * third, abs=20)
    assert (large.written_back, large.l3_unforeseen) == (0, pytest.approx(0, abs=20))


def test_only_what_code_at_the_addresses_reads_is_simulated(tmp_path: Path) -> None:
    (tmp_path / "read.c").write_text(END + READ)
    flags = (*BARE, "-DLINES=64")
    program = programs.compile_program(tmp_path / "read.c", flags, cache=tmp_path)
    with pytest.raises(CheckFailed, match="marked 0 of 3"):
        count_traffic([str(program)], {}, RASPBERRY_PI_5, addresses=(1, 2))


def test_an_emulator_without_plugins_simulates_no_caches(
    loop: Callable[[int], list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(traffic, "find_plugin_emulator", lambda: None)
    with pytest.raises(ToolMissing, match="loads no plugin"):
        count_traffic(loop(10), {}, RASPBERRY_PI_5)


def test_what_an_artefact_moves_stays_in_the_caches_that_hold_it(
    artefact: Artefact, tmp_path: Path
) -> None:
    inputs = {"image": np.random.default_rng(5).random((1, 3, 16, 24), np.float32)}
    command = runner_command(artefact, inputs, line_counts.RUNS, tmp_path)
    counts, found = count_traffic(command, runner_environment(), RASPBERRY_PI_5)
    assert counts == line_counts.count(command, runner_environment())
    moved = found.total
    assert moved.reads > moved.writes > 0
    # All of it, some 50 KB, stays in the first level; what is new to it are outputs.
    assert moved.l1_foreseen + moved.l1_unforeseen < 16 * 24 * (3 + 16 + 8) * 4 / 64 * 2
    assert moved.l3_foreseen + moved.l3_unforeseen < 1000


def test_where_the_cache_lies_is_not_on_the_emulated_stack(
    artefact: Artefact, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = {"image": np.zeros((1, 3, 16, 24), np.float32)}
    monkeypatch.setenv("PATH", f"{os.environ['PATH']}:/somewhere/else")
    command = runner_command(artefact, inputs, line_counts.RUNS, tmp_path)
    assert not [word for word in command if str(cache_folder()) in word]
    assert "else" not in str(runner_environment())
    line_counts.count(command, runner_environment())


def test_instructions_of_two_threads_are_those_of_one_that_runs_both_shares(
    network: Path, tmp_path: Path
) -> None:
    artefact = compile_model(network, "arm64-a76", tmp_path / "artefact", threads=2)
    inputs = {"image": np.random.default_rng(5).random((1, 3, 16, 24), np.float32)}
    found = measure_balance(artefact, inputs)
    alone = count_artefact(artefact, inputs).by_owner()
    shared = [kernel for kernel in found.kernels if min(kernel.instructions) > 0]
    assert shared
    assert all(kernel.balance > 0.9 for kernel in shared)
    assert 0.5 < found.balance < 1
    for kernel in found.kernels:
        assert sum(kernel.instructions) == pytest.approx(alone[kernel.name], rel=0.02)


def test_one_thread_has_no_balance(artefact: Artefact) -> None:
    with pytest.raises(InputError, match="nothing to share"):
        measure_balance(artefact, {})


def test_the_log_tells_no_threads_apart(
    artefact: Artefact, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instrumented_run, "find_plugin_emulator", lambda: None)
    inputs = {"image": np.zeros((1, 3, 16, 24), np.float32)}
    with pytest.raises(ToolMissing, match="does not tell threads apart"):
        count_artefact(artefact, inputs, thread=0)


def test_an_artefact_of_this_machine_is_refused(network: Path, tmp_path: Path) -> None:
    artefact = compile_model(network, "host", tmp_path / "artefact")
    with pytest.raises(InputError, match="not for arm64"):
        measure(artefact, {})


def test_the_functions_of_a_library_are_those_that_its_linker_names(tmp_path: Path) -> None:
    source = "int twice(int x) { return 2 * x; } int used(int x) { return twice(x) + 1; }"
    (tmp_path / "two.c").write_text(source)
    command = [sys.executable, "-m", "ziglang", "cc", "-target", "aarch64-linux-gnu", "-shared"]
    command += ["-nostdlib", "-O1", "two.c", "-o", "two.so"]
    subprocess.run(command, cwd=tmp_path, check=True)
    library = read_library(tmp_path / "two.so")
    named = subprocess.run(
        [find_tool("llvm-nm"), "-D", "--defined-only", "two.so"],
        cwd=tmp_path,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    expected = {(int(line.split()[0], 16), line.split()[2]) for line in named}
    found = {(function.address, function.name) for function in library.functions}
    assert {"twice", "used"} <= {name for _, name in found}
    assert found >= expected
    kernels = Kernels(library)
    assert {kernels.at(address) for address, _ in expected} == {name for _, name in expected}
