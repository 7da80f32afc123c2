"""Compilation as its own process: interrupted, killed children, what it imports."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import onnx
import psutil
import pytest
from onnx import TensorProto, helper

COMPILE = """
import sys
from pathlib import Path
from compile.pipeline import compile_model
say = lambda line: print(line, flush=True)
compile_model(Path(sys.argv[1]), sys.argv[2], Path(sys.argv[3]), progress=say)
"""


@pytest.fixture
def model(tmp_path: Path) -> Path:
    """A model large enough that linking takes a moment."""
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 1000])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 4000])
    values = (b"\x00\x00\x80\x3f" * 4_000_000)[: 4 * 4_000_000]
    weight = helper.make_tensor("w", TensorProto.FLOAT, [1000, 4000], values, raw=True)
    node = helper.make_node("MatMul", ["x", "w"], ["y"])
    graph = helper.make_graph([node], "g", [x], [y], [weight])
    proto = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=9)
    path = tmp_path / "model.onnx"
    onnx.save(proto, str(path))
    return path


@pytest.mark.parametrize(
    ("step", "delay_s"),
    # The check of so small a model is soon over: it is interrupted as it begins.
    [("importing", 0.05), ("linking", 0.05), ("checking against ONNX Runtime", 0.0)],
)
def test_interrupt_leaves_nothing_behind(
    model: Path, tmp_path: Path, step: str, delay_s: float
) -> None:
    output = tmp_path / "out" / "model"
    process = subprocess.Popen(
        [sys.executable, "-c", COMPILE, str(model), "arm64-a76", str(output)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == step:
                break
        time.sleep(delay_s)
        # Stopped, so that it does not go on while its children are looked for.
        process.send_signal(signal.SIGSTOP)
        children = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        process.send_signal(signal.SIGCONT)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()
        process.wait()
    assert process.returncode != 0
    assert "KeyboardInterrupt" in errors
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.onnx"]
    _, alive = psutil.wait_procs(children, timeout=60)
    assert [one for one in alive if one.status() != psutil.STATUS_ZOMBIE] == []


def test_import_is_light() -> None:
    code = "import sys, compile; print([m for m in ('tvm', 'onnx', 'numpy') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_unchanged_work_is_skipped_without_importing_tvm(model: Path, tmp_path: Path) -> None:
    code = COMPILE + "print([m for m in ('tvm', 'torch', 'onnxruntime') if m in sys.modules])"
    command = [sys.executable, "-c", code, str(model), "arm64-a76", str(tmp_path / "made")]
    said = [
        subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
        for _ in range(2)
    ]
    assert "tvm" in said[0][-1]
    assert said[1] == ["reading the model", "[]"]
