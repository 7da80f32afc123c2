"""The program that goes to devices, as one file, run here and asked as it is asked there."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from bench.models import load_model
from bench.peers.device_runtime import DeviceRuntime
from bench.peers.messages import pack, unpack
from bench.peers.peer import Setting
from bench.peers.program import write_program
from bench.runtimes.channel import send_bytes
from bench.runtimes.process_runtime import ANSWER_S
from depthbench.errors import InputError, RuntimeLost

IMAGE = np.random.default_rng(2).random((1, 3, 4, 6), np.float32)
INPUTS = {"image": IMAGE}


@pytest.fixture
def start(tmp_path: Path, tiny_onnx: Path) -> Callable[..., DeviceRuntime]:
    """Serves a model, alone in a folder where nothing of this package can be imported."""
    program = write_program(tmp_path)
    output = load_model(tiny_onnx).outputs[0]

    def serve(model: Path = tiny_onnx, answer_s: float = ANSWER_S) -> DeviceRuntime:
        cores = sorted(os.sched_getaffinity(0))[:1]
        options = json.dumps({"threads": 1, "precision": "fp32", "cores": cores})
        words = ["env", "-i", "OPENBLAS_NUM_THREADS=1"]  # as on devices
        words += [sys.executable, "-s", "-B", str(program), "serve"]
        words += ["onnxruntime", str(model), options]
        command = ["sh", "-c", f"echo welcome; exec {shlex.join(words)}"]  # as some login shells do
        return DeviceRuntime(Setting("onnxruntime", "fp32"), command, output, answer_s=answer_s)

    return serve


@pytest.fixture
def served(start: Callable[..., DeviceRuntime]) -> Iterator[DeviceRuntime]:
    with start() as runtime:
        yield runtime


def test_it_computes_and_times_and_says_where(
    served: DeviceRuntime, closed_form: Callable[[np.ndarray], np.ndarray]
) -> None:
    (depth,) = served.run(INPUTS).values()
    assert depth == pytest.approx(closed_form(IMAGE), rel=1e-5)
    sample = served.sampler(INPUTS)()
    assert sample.wall_ms > 0
    assert sample.cpu_ms > 0
    about = served.describe()
    assert about["cores"] == about["ran_on"] == sorted(os.sched_getaffinity(0))[:1]
    assert (about["threads"], about["precision"]) == (1, "fp32")


def test_what_it_refuses_is_said_and_it_goes_on(served: DeviceRuntime) -> None:
    with pytest.raises(InputError, match="onnxruntime cannot run the model there: InvalidArgument"):
        served.run({"image": IMAGE[:, :2]})
    assert served.run(INPUTS)


def test_a_file_that_is_no_model_is_said(
    start: Callable[..., DeviceRuntime], tmp_path: Path
) -> None:
    (tmp_path / "none.onnx").write_text("none")
    with pytest.raises(InputError, match="cannot run the model there: InvalidProtobuf"):
        start(tmp_path / "none.onnx")


@pytest.mark.parametrize(
    ("number", "reason"),
    [(signal.SIGKILL, "ended, signal 9"), (signal.SIGSTOP, "no answer for 1 s, killed")],
)
def test_one_that_dies_or_hangs_is_lost(
    start: Callable[..., DeviceRuntime], number: signal.Signals, reason: str
) -> None:
    with start(answer_s=1) as runtime:
        sample = runtime.sampler(INPUTS)
        os.kill(runtime.pid, number)
        with pytest.raises(RuntimeLost, match=reason):
            sample()


HANG = """
from bench.peers import run_peer
def never(image):
    while True: pass
run_peer.RUNTIMES["onnxruntime"] = lambda model, options: never
run_peer.main()
"""


def test_one_that_hangs_is_ended_over_there_where_nobody_here_can(
    tiny_onnx: Path, tmp_path: Path
) -> None:
    options = json.dumps({"threads": 1, "precision": "fp32", "cores": []})
    words = [sys.executable, "-c", HANG, "serve", "onnxruntime", str(tiny_onnx), options]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        for name, arrays in (("load", {}), ("run", INPUTS)):
            request = pack({"name": name, "limit_s": 1, "values": {}}, **arrays)
            send_bytes(process.stdin.write, request)
            process.stdin.flush()
        assert process.wait(60) == -signal.SIGALRM


def test_messages_hold_arrays_and_plain_values_and_no_code() -> None:
    message = {"name": "run", "values": {"a": [1, 2.5, None, "é"]}}
    plain, arrays = unpack(pack(message, image=IMAGE, empty=np.empty((0, 3), np.int8)))
    assert plain == message
    assert (arrays["image"] == IMAGE).all()
    assert (arrays["empty"].shape, arrays["empty"].dtype) == ((0, 3), np.int8)
    with pytest.raises(ValueError, match="pickle"):
        unpack(pack({}, image=np.array([object()])))
