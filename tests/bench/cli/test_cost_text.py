"""What `depthbench cost` says to people: an estimate with its interval, never a latency."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bench.cli import output
from bench.cost import model_cost
from bench.cost.memory.core import Core
from bench.records.record import Record, read_records
from depthbench.errors import CheckFailed

Run = Callable[..., tuple[int, str, str]]
Make = Callable[..., Record]
PEER = {
    "version": "1.2",
    "precision": "fp32",
    "cost": {"instructions": 300_000_000, "est_cycles": 172_807_272, "fma_cycles": 81_308_898},
    "agreement": {"max_relative_difference": 2e-7},
    "estimate": {
        **{"core": "Raspberry Pi 5", "clock_ghz": 2.4, "error_source": "eleven public networks"},
        **{"cycles": 198e6, "compute_cycles": 150e6, "memory_cycles": 48e6},
        **{"milliseconds": 82.5, "low_ms": 76.4, "high_ms": 90.0},
    },
}


@pytest.fixture
def found(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """What counting gives: records, or errors that it raises, one after the other."""
    prepared: list[Any] = []
    given: Iterator[Any] = iter(prepared)

    def measure_cost(*_: Any, **__: Any) -> Record:
        one = next(given)
        if isinstance(one, Exception):
            raise one
        return one

    monkeypatch.setattr(model_cost, "measure_cost", measure_cost)
    return prepared


def lines(out: str) -> dict[str, str]:
    return dict(line.split("  ", 1) for line in out.splitlines() if "  " in line.strip())


def test_the_estimate_has_its_interval_its_source_and_is_no_latency(
    run: Run, found: list[Any], make_record: Make
) -> None:
    record = make_record("cost", peers={"ncnn": PEER}, absent={"litert": "it is not installed"})
    found.append(record)
    code, out, _ = run("cost")
    shown = lines(out)
    assert code == 0
    assert "41.2 ms (38.2 to 45.0) on Raspberry Pi 5, 2.4 GHz (emulated)" in shown["estimated"]
    assert "no latency" in out.splitlines()[0]
    assert "eleven public networks" in shown["interval"]
    assert "36.0 ms to compute, 5.25 ms to wait for memory" in shown["parts"]
    assert "86.4 M by LLVM's model, without caches" in shown["cycles"]
    assert "94.1%" in shown["bound"]
    assert "40.91 MB read, 12.26 MB written" in shown["memory"]
    (kernel,) = [line.split() for line in out.splitlines() if line.startswith("fused_pointwise ")]
    assert kernel == ["fused_pointwise", "7", "94.1%", "53.16", "41.25", "100.0%"]
    (ncnn,) = [line.split() for line in out.splitlines() if line.startswith("ncnn ")]
    assert ncnn == ["ncnn", "300.0", "172.8", "82.5", "76.4", "to", "90.0", "0.500", "2.0e-07"]
    assert "absent, litert: it is not installed" in out
    assert "\x1b" not in out
    assert read_records(Path("out/records.jsonl")) == [record]


def test_without_simulated_caches_it_says_that_there_is_no_time(
    run: Run, found: list[Any], make_record: Make
) -> None:
    (kernel,) = make_record("cost")["kernels"]
    bare = {**kernel, "memory_bytes": None, "estimated_ms": None}
    peer = {**PEER, "estimate": None}
    found.append(
        make_record("cost", estimate=None, traffic=None, kernels=[bare], peers={"ncnn": peer})
    )
    _, out, _ = run("cost")
    assert "86.4 M by LLVM's model, without caches" in lines(out)["cycles"]
    assert "not estimated: the emulator here loads no plugins" in lines(out)["time"]
    (ncnn,) = [line.split() for line in out.splitlines() if line.startswith("ncnn ")]
    assert ncnn == ["ncnn", "300.0", "172.8", "0.500", "2.0e-07"]


def test_it_fits_into_eighty_columns(
    run: Run, found: list[Any], make_record: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    (kernel,) = make_record("cost")["kernels"]
    long = {**kernel, "name": "fused_grouped_convolution4_add14_add16_relu9_with_more"}
    found.append(make_record("cost", peers={"onnxruntime": PEER}, kernels=[long]))
    monkeypatch.setattr(output, "PLAIN_WIDTH", 80)
    _, out, _ = run("cost")
    assert max(map(len, out.splitlines())) <= 80
    assert out.count("onnxruntime ") == 1


@pytest.mark.parametrize(
    ("options", "core", "clock"),
    [
        ((), "pi5", 2.4),
        (("--clock", "2400MHz"), "pi5", 2.4),
        (("--clock", "1.5 ghz", "--core", "kirin980"), "kirin980", 1.5),
        (("--core", "sd855"), "sd855", 2.84),
    ],
)
def test_core_and_clock_are_those_that_were_asked_for(
    run: Run,
    make_record: Make,
    monkeypatch: pytest.MonkeyPatch,
    options: tuple[str, ...],
    core: str,
    clock: float,
) -> None:
    asked: list[Core] = []

    def measure_cost(*_: Any, core: Core, **__: Any) -> Record:
        asked.append(core)
        return make_record("cost")

    monkeypatch.setattr(model_cost, "measure_cost", measure_cost)
    assert run("cost", *options)[0] == 0
    assert [(one.name, one.clock_ghz) for one in asked] == [(core, pytest.approx(clock))]


def test_so_many_kernels_as_are_asked_for_are_printed(
    run: Run, found: list[Any], make_record: Make
) -> None:
    (kernel,) = make_record("cost")["kernels"]
    many = [{**kernel, "name": f"kernel_{i}"} for i in range(20)]
    found += [make_record("cost", kernels=many)] * 3
    for options, count in (((), 10), (("--kernels", "3"), 3), (("--kernels", "0"), 0)):
        _, out, _ = run("cost", *options)
        assert out.count("kernel_") == count


def test_a_peer_that_was_named_and_lost_fails_the_command(
    run: Run, found: list[Any], make_record: Make
) -> None:
    found += [make_record("cost", lost={"mnn": "outputs differ"})] * 2
    code, out, _ = run("cost", "--peers", "mnn")
    assert code == 1
    assert "lost, mnn: outputs differ" in out
    assert run("cost", "--peers", "all")[0] == 0


def test_wrong_outputs_are_exit_code_1(run: Run, found: list[Any], tmp_path: Path) -> None:
    found.append(CheckFailed("outputs differ from onnxruntime's: tvm by 0.5"))
    code, out, err = run("cost")
    assert (code, out) == (1, "")
    assert err == "depthbench: outputs differ from onnxruntime's: tvm by 0.5\n"
    assert list(tmp_path.iterdir()) == []
