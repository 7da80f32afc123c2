"""How many of ONNX's own tests of operators compile for the host and agree with ONNX Runtime.

python benchmarks/onnx_node_tests.py [--only WORD] [--seconds S] [--json]
"""

from __future__ import annotations

import json
import multiprocessing
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import Any

import click
import numpy as np
import onnx
from onnx import numpy_helper

from bench import cli
from compile.check import relative_difference
from compile.onnx.folding.onnxruntime_session import onnxruntime_session
from compile.pipeline import compile_model
from compile.runtime.executable import HostModel
from depthbench.errors import CheckFailed, InputError
from depthbench.one_line import one_line

KINDS = ("right", "refused", "fails the check", "wrong", "internal error", "does not apply")
TOLERANCE, HALF_TOLERANCE = 1e-4, 1e-2
Feeds = dict[str, np.ndarray]


@click.command()
@click.option("--only", default="", help="Tests with this in their names.")
@click.option("--seconds", default=60, show_default=True, help="For one test at most.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def main(only: str, seconds: int, as_json: bool) -> None:
    """Compile each test's model in a process of its own, and run it on the test's inputs.

    A model that is refused or fails the check has all inputs but the first made constants: sizes
    and axes, which many of the tests take for inputs, must be known. A test does not
    apply where ONNX Runtime cannot run it or a value is no tensor of numbers.
    """
    import tvm  # noqa: F401 - once, not in every process
    from onnx.backend.test.loader import load_model_tests

    found: dict[str, dict[str, str]] = defaultdict(dict)
    for test in load_model_tests(kind="node"):
        if only in test.name:
            kind, why = _in_child(test, seconds)
            found[kind][test.name] = why
    if as_json:
        click.echo(json.dumps({kind: found[kind] for kind in KINDS}))
        return
    for kind in KINDS[1:-1]:
        for name, why in found[kind].items():
            click.echo(f"{kind}: {name}: {why}")
    click.echo(", ".join(f"{kind} {len(found[kind])}" for kind in KINDS))


def _in_child(test: Any, seconds: int) -> tuple[str, str]:
    context = multiprocessing.get_context("fork")
    receiver, sender = context.Pipe(duplex=False)
    child = context.Process(target=_judge_and_send, args=(test, sender))
    child.start()
    sender.close()
    try:
        if receiver.poll(seconds):
            kind, why = receiver.recv()
            return kind, why
        return "internal error", f"took more than {seconds} s"
    except EOFError:
        return "internal error", "its process died"
    finally:
        child.kill()
        child.join()


def _judge_and_send(test: Any, sender: Any) -> None:
    sender.send(judge(test))


def judge(test: Any) -> tuple[str, str]:
    """What becomes of one of ONNX's tests, and why."""
    model = test.model
    for value in (*model.graph.input, *model.graph.output):
        kind = value.type.tensor_type
        if not value.type.HasField("tensor_type") or kind.elem_type == onnx.TensorProto.STRING:
            return "does not apply", "a value is no tensor of numbers"
    given = zip(model.graph.input, test.data_sets[0][0], strict=False)
    feeds = {value.name: _array(array) for value, array in given}
    result = _judge_model(model, feeds)
    if result[0] not in ("refused", "fails the check") or len(feeds) < 2:
        return result
    first, *others = feeds
    fixed = onnx.ModelProto.FromString(model.SerializeToString())
    fixed.ir_version = max(fixed.ir_version, 4)  # before, a constant had to be an input as well
    del fixed.graph.input[1:]
    fixed.graph.initializer.extend(numpy_helper.from_array(feeds[name], name) for name in others)
    return _judge_model(fixed, {first: feeds[first]})


def _judge_model(model: onnx.ModelProto, feeds: Feeds) -> tuple[str, str]:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        onnx.save(model, str(path))
        try:
            wanted = _run_onnxruntime(path, feeds)
        except Exception as error:  # ONNX Runtime's own exceptions have no common base
            return "does not apply", one_line(error)
        try:
            artefact = compile_model(path, "host", Path(folder) / "out")
            results = HostModel(artefact).run(feeds)
        except InputError as error:
            return "refused", error.message.removeprefix(f"{path}: ")
        except CheckFailed as error:
            return "fails the check", error.message.removeprefix(f"{path}: ")
        except Exception as error:
            return "internal error", f"{type(error).__name__}: {one_line(error)}"
    for output, value in zip(model.graph.output, wanted, strict=True):
        difference = relative_difference(results[output.name], value)
        if not difference <= (HALF_TOLERANCE if value.dtype == np.float16 else TOLERANCE):
            return "wrong", f"{output.name} differs by {difference:.2e}"
    return "right", ""


def _run_onnxruntime(path: Path, feeds: Feeds) -> list[np.ndarray]:
    return [np.asarray(value) for value in onnxruntime_session(str(path)).run(None, feeds)]


def _array(value: Any) -> np.ndarray:
    return numpy_helper.to_array(value) if isinstance(value, onnx.TensorProto) else np.array(value)


if __name__ == "__main__":
    cli.main(command=main)
