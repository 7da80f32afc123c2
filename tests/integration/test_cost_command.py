"""`depthbench cost` counts what it is given, keeps a record, and says in one line why it cannot."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from bench import cli
from bench.records.record import Record, read_records
from compile.artefact import MANIFEST

EDGES = (16, 24)
MACS = 16 * 24 * (16 * 27 + 8 * 16)
Run = Callable[..., tuple[int, str, str]]


def save(path: Path, inputs: list[str], nodes: list[onnx.NodeProto]) -> Path:
    """A model that ends in `depth`, of eight channels; all its weights are at random."""
    rng = np.random.default_rng(3)
    weights = {"w1": rng.normal(0, 0.3, (16, 3, 3, 3)), "w2": rng.normal(0, 0.3, (8, 16, 1, 1))}
    graph = helper.make_graph(
        nodes,
        "network",
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 3, *EDGES]) for name in inputs],
        [helper.make_tensor_value_info("depth", TensorProto.FLOAT, [1, 8, *EDGES])],
        [numpy_helper.from_array(v.astype(np.float32), name) for name, v in weights.items()],
    )
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=9), path)
    return path


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Where the commands of all tests run, with `out/one.onnx`, and `two.onnx` of two inputs."""
    place = tmp_path_factory.mktemp("cost")
    (place / "out").mkdir()
    convolutions = [
        helper.make_node("Conv", ["image", "w1"], ["a"], pads=[1, 1, 1, 1], kernel_shape=[3, 3]),
        helper.make_node("Relu", ["a"], ["r"]),
        helper.make_node("Conv", ["r", "w2"], ["depth"]),
    ]
    save(place / "out/one.onnx", ["image"], convolutions)
    mean = helper.make_node("Mean", ["left", "right"], ["image"])
    save(place / "two.onnx", ["left", "right"], [mean, *convolutions])
    before = os.getcwd()
    os.chdir(place)
    yield place
    os.chdir(before)


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str], folder: Path) -> Run:
    def run_command(*arguments: object) -> tuple[int, str, str]:
        code = cli.run(["cost", *map(str, arguments)])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run_command


@pytest.fixture(scope="module")
def counted(folder: Path) -> Record:
    """The record of the first count, which leaves an artefact."""
    assert cli.run(["cost", "out/one.onnx", "--records", "first.jsonl"]) == 0
    (record,) = read_records(Path("first.jsonl"))
    return record


def one_line(err: str) -> str:
    lines = [line for line in err.splitlines() if not line.startswith("[")]
    assert len(lines) == 1, err
    return lines[0]


def test_a_record_is_kept_of_what_was_counted(counted: Record) -> None:
    assert (counted["kind"], counted["source"], counted["model"]) == ("cost", "emulated", "one")
    assert "latency" not in counted["label"].replace("not latency", "")
    assert MACS <= counted["macs"] < 1.6 * MACS
    assert counted["fma_cycles"] < counted["est_cycles"]
    assert counted["instructions"] == pytest.approx(np.mean(counted["counted_instructions"]), abs=1)
    assert counted["agreement"]["max_relative_difference"] <= 1e-4
    assert sum(kernel["est_cycles"] for kernel in counted["kernels"]) == pytest.approx(
        counted["est_cycles"], rel=1e-3
    )
    assert counted["seconds"] > 0


def test_the_time_is_computing_and_waiting_and_that_of_the_kernels(counted: Record) -> None:
    found = counted["estimate"]
    assert (found["core"], found["clock_ghz"]) == ("Raspberry Pi 5", 2.4)
    assert found["cycles"] == pytest.approx(found["compute_cycles"] + found["memory_cycles"])
    assert found["milliseconds"] == pytest.approx(found["cycles"] / 2.4e6)
    assert found["low_ms"] < found["milliseconds"] < found["high_ms"]
    kernels = counted["kernels"]
    assert sum(kernel["estimated_ms"] for kernel in kernels) == pytest.approx(
        found["milliseconds"], rel=1e-3
    )
    # 32 KB of weights and activations stay in the caches
    assert sum(kernel["memory_bytes"] for kernel in kernels) < 64_000


def test_an_artefact_costs_what_its_model_does(run: Run, counted: Record) -> None:
    code, out, _ = run("out/one-arm64-a76", "--clock", "1.2GHz", "--json")
    record = json.loads(out)
    assert code == 0
    assert record["artefact_sha256"] == counted["artefact_sha256"]
    assert record["instructions"] == pytest.approx(counted["instructions"], rel=1e-4)
    slower = record["estimate"]["milliseconds"] / counted["estimate"]["milliseconds"]
    assert slower == pytest.approx(2.0, rel=0.05)
    assert read_records(Path("out/records.jsonl"))[-1] == record


def test_a_model_of_two_inputs_is_counted_and_its_peers_are_absent(
    run: Run, counted: Record
) -> None:
    code, out, err = run("two.onnx", "--peers", "onnxruntime,ncnn", "--json")
    record = json.loads(out)
    assert code == 0, err
    assert record["macs"] == pytest.approx(counted["macs"], rel=0.1)
    assert record["absent"] == dict.fromkeys(
        ("onnxruntime", "ncnn"), "peers are counted on models of one input"
    )


def test_one_of_several_that_fails_is_told_and_the_others_are_counted(
    run: Run, counted: Record
) -> None:
    code, out, err = run("missing.onnx", "out/one.onnx", "--json")
    document = json.loads(out)
    assert code == 2
    assert "missing.onnx" in one_line(err)
    assert [record["model"] for record in document["records"]] == ["one"]
    assert [failure["model"] for failure in document["failed"]] == ["missing.onnx"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"target": {"name": "host", "processor": "x86"}}, "compiled for host, not for arm64-a76"),
        ({"source": {"file": "one.onnx", "sha256": "0" * 64}}, "compiled from another file"),
    ],
    ids=["target", "source"],
)
def test_an_artefact_that_cannot_be_counted(
    run: Run, counted: Record, change: dict[str, object], says: str
) -> None:
    other = Path("other")
    shutil.copytree("out/one-arm64-a76", other)
    try:
        manifest = json.loads((other / MANIFEST).read_text())
        (other / MANIFEST).write_text(json.dumps({**manifest, **change}))
        code, out, err = run(other)
    finally:
        shutil.rmtree(other)
    assert (code, out) == (2, "")
    assert says in one_line(err)


def test_a_package_is_no_artefact(run: Run, tmp_path: Path) -> None:
    (tmp_path / "package.json").write_text('{"kind": "depthbench package"}')
    code, out, err = run(tmp_path)
    assert (code, out) == (2, "")
    assert "not a compiled model" in one_line(err)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--precision", "fp16"), "was compiled for fp32"),
        (("--size", "32", "32"), "counted as it was compiled"),
        (("--model", "two.onnx"), "compiled from another file"),
    ],
)
def test_an_artefact_is_what_it_is(
    run: Run, counted: Record, arguments: tuple[str, ...], says: str
) -> None:
    code, out, err = run("out/one-arm64-a76", *arguments)
    assert (code, out) == (2, "")
    assert says in one_line(err)


def fake(folder: Path, name: str) -> None:
    """A program that is killed as soon as it runs."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text("#!/bin/sh\nkill -9 $$\n")
    (folder / name).chmod(0o755)


def test_an_emulator_that_is_killed_is_one_line(
    run: Run, counted: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("qemu-aarch64", "qemu-aarch64-static"):
        fake(tmp_path / "bin", name)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    code, out, err = run("out/one-arm64-a76")
    assert (code, out) == (1, "")
    assert "signal 9" in one_line(err)


@pytest.mark.parametrize(
    ("there", "says"),
    [((), "qemu"), (("qemu-aarch64-static", "qemu-aarch64"), "llvm-mca-19 is not installed")],
)
def test_without_its_tools_it_says_what_to_install(
    run: Run,
    counted: Record,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    there: tuple[str, ...],
    says: str,
) -> None:
    for name in there:
        fake(tmp_path, name)
    monkeypatch.setenv("PATH", str(tmp_path))
    code, out, err = run("out/one-arm64-a76")
    assert (code, out) == (3, "")
    assert says in one_line(err)
    assert "apt-get install" in err
