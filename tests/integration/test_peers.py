"""Runtimes in processes of their own: one that dies or hangs, and the end of all of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import psutil
import pytest
import torch

from bench.measure.agreement import seeded_inputs
from bench.measure.comparison import compare
from bench.models import Model, load_model
from bench.runtimes.registry import Prepared, declarations
from bench.runtimes.subprocess_runtime import SubprocessRuntime
from bench.runtimes.torch_compiled import TorchCompiled
from depthbench.errors import InputError, RuntimeLost

DEADLINE_S = 120
WORKER = "bench.runtimes.worker"


@pytest.fixture
def tiny(model: Path) -> Model:
    return load_model(model)


def test_computes_and_describes_what_it_does_in_this_process(tiny: Model) -> None:
    inputs = seeded_inputs(tiny.fixed_inputs)
    with SubprocessRuntime(Prepared("onnxruntime", tiny.path, 1)) as runtime:
        (depth,) = runtime.run(inputs).values()
        expected = np.einsum("nchw,c->nhw", inputs["image"], [0.1, 0.7, 0.2])[:, None] + 1
        np.testing.assert_allclose(depth, expected, rtol=1e-5)
        assert runtime.describe()["threads"] == 1
        sample = runtime.sampler(inputs)()
        assert sample.wall_ms > 0
        assert sample.cpu_ms > 0
        with pytest.raises(InputError, match="refuses the inputs"):
            runtime.run({"picture": inputs["image"]})
        runtime.run(inputs)  # it is still there
        pid = runtime.pid
    assert not psutil.pid_exists(pid)
    runtime.close()


def test_what_it_cannot_load_is_said_and_nothing_is_left(
    tmp_path: Path, processes_with: Callable[[str], list[psutil.Process]]
) -> None:
    with pytest.raises(InputError, match="no such file"):
        SubprocessRuntime(Prepared("onnxruntime", tmp_path / "none.onnx", 1))
    assert not mine(processes_with(WORKER))


@pytest.mark.parametrize(
    ("number", "reason"),
    [(signal.SIGKILL, "ended, signal 9"), (signal.SIGSTOP, "no answer for 3 s, killed")],
)
def test_one_dies_or_hangs_and_the_figures_of_the_others_are_whole(
    tiny: Model, number: signal.Signals, reason: str
) -> None:
    rounds = 6
    with ExitStack() as stack:
        runtimes = {
            name: stack.enter_context(SubprocessRuntime(Prepared(name, tiny.path, 1), answer_s=3))
            for name in ("onnxruntime", "openvino", "ncnn")
        }
        (victim,) = (one.pid for one in psutil.Process(runtimes["openvino"].pid).children())

        def strike(line: str) -> None:
            if "round 3 of" in line:
                os.kill(victim, number)

        found = compare(runtimes, seeded_inputs(tiny.fixed_inputs), rounds=rounds, progress=strike)
        assert not psutil.pid_exists(victim)
        with pytest.raises(RuntimeLost, match=reason):
            runtimes["openvino"].run({})
    assert list(found["lost"]) == ["openvino"]
    assert reason in found["lost"]["openvino"]
    assert list(found["runtimes"]) == ["onnxruntime", "ncnn"]
    for runtime in found["runtimes"].values():
        assert runtime["cpu_ms"]["count"] == runtime["wall_ms"]["count"] == rounds
        assert len(runtime["against"]) == 1


def test_all_runtimes_in_one_document_and_who_is_absent_with_the_reason(
    model: Path, tmp_path: Path
) -> None:
    """This model is none of the zoo: there is no PyTorch module of it."""
    command = [sys.executable, "-m", "bench.cli", "compare", str(model), "--runtimes", "all"]
    command += ["--rounds", "3", "--json", "--out", str(tmp_path / "out")]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        env={**os.environ, "DEPTHBENCH_CACHE": str(tmp_path / "cache")},
    )
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert set(document["runtimes"]) == {"onnxruntime", "openvino", "ncnn", "mnn", "tvm"}
    assert set(document["runtimes"]) | set(document["absent"]) == set(declarations())
    for name in ("pytorch", "torch-compile", "torchscript", "executorch", "litert"):
        assert "no network of the zoo" in document["absent"][name]
    assert document["lost"] == {}
    assert (document["precision"], document["threads"]) == ("fp32", 1)
    for name, found in document["runtimes"].items():
        assert found["threads"] == 1
        assert found["agreement"]["max_relative_difference"] <= 1e-4
        assert found["against"].keys() == document["runtimes"].keys() - {name}


def test_torch_compile_computes_the_formula() -> None:
    module = torch.nn.Sequential(torch.nn.Conv2d(3, 1, 1), torch.nn.ReLU())
    image = np.random.default_rng(0).random((1, 3, 4, 6), dtype=np.float32)
    with TorchCompiled(module, image.shape, threads=1) as runtime:
        (found,) = runtime.run({"image": image}).values()
        assert runtime.describe() == {"threads": 1, "precision": "fp32"}
    weight, bias = (value.detach().numpy() for value in module[0].parameters())
    expected = np.einsum("nchw,c->nhw", image, weight[0, :, 0, 0])[:, None] + bias
    np.testing.assert_allclose(found, np.maximum(expected, 0), rtol=1e-5, atol=1e-6)


def test_a_converter_ends_with_a_parent_that_is_killed(
    wait_until: Callable[[Callable[[], object], float], float],
) -> None:
    sleeper = (
        "import time; from depthbench.guard import end_with_parent; end_with_parent(); "
        "time.sleep(1000)"
    )
    starter = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {sleeper!r}])"
    parent = subprocess.Popen([sys.executable, "-c", starter])
    try:
        wait_until(lambda: [c for c in psutil.Process(parent.pid).children() if asleep(c)], 60)
        family = psutil.Process(parent.pid).children()
    finally:
        parent.kill()
        parent.wait()
    _, alive = psutil.wait_procs(family, timeout=60)
    assert alive == []


def asleep(process: psutil.Process) -> bool:
    """Whether it has imported all that it wants and waits."""
    return "ctypes" in Path(f"/proc/{process.pid}/maps").read_text() and (
        process.status() == psutil.STATUS_SLEEPING
    )


@pytest.fixture
def comparing(model: Path, tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """`depthbench compare`, in the midst of timing for as long as it is let."""
    arguments = [str(model), "--runtimes", "onnxruntime,openvino", "--rounds", "1000000"]
    process = subprocess.Popen(
        [sys.executable, "-m", "bench.cli", "compare", *arguments, "--out", str(tmp_path)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        deadline = time.monotonic() + DEADLINE_S
        while len(busy(process)) < 2:
            assert process.poll() is None, process.communicate()
            assert time.monotonic() < deadline, "the comparison did not begin"
            time.sleep(0.1)
        yield process
    finally:
        process.kill()
        process.wait()


def busy(process: subprocess.Popen[str]) -> list[psutil.Process]:
    """The workers that have loaded their runtime."""
    libraries = ("libopenvino", "onnxruntime")
    return [
        child
        for child in psutil.Process(process.pid).children(recursive=True)
        if any(name in Path(f"/proc/{child.pid}/maps").read_text() for name in libraries)
    ]


def mine(found: list[psutil.Process]) -> list[psutil.Process]:
    """Those of this test: other tests may run beside it."""
    return [one for one in found if os.getpid() in (parent.pid for parent in one.parents())]


@pytest.mark.parametrize("stopped", [False, True])
def test_the_workers_end_with_a_parent_that_is_killed(
    comparing: subprocess.Popen[str], stopped: bool
) -> None:
    family = psutil.Process(comparing.pid).children(recursive=True)
    if stopped:
        busy(comparing)[0].suspend()
    comparing.kill()
    comparing.wait()
    _, alive = psutil.wait_procs(family, timeout=60)
    assert alive == []


def test_ctrl_c_ends_the_comparison_and_its_workers(comparing: subprocess.Popen[str]) -> None:
    family = psutil.Process(comparing.pid).children(recursive=True)
    comparing.send_signal(signal.SIGINT)
    _, errors = comparing.communicate(timeout=DEADLINE_S)
    assert comparing.returncode == 130, errors
    assert errors.split("\n")[-2:] == ["depthbench: interrupted", ""]
    _, alive = psutil.wait_procs(family, timeout=60)
    assert alive == []
