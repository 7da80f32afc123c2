"""Emulated phones that a tracker lends, and networks so small that they are measured at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from android_rpc.bundle.bundle import Bundle
from android_rpc.devices.emulated import EmulatedPhone
from android_rpc.tracker.tracker import Tracker


def write_tiny(path: Path, number: int) -> Path:
    """A 1x1 convolution whose weights tell it apart; depth is 1 m and more."""
    weight = np.full((1, 3, 1, 1), 0.1 * (number + 1), np.float32)
    graph = helper.make_graph(
        [helper.make_node("Conv", ["image", "w", "b"], ["depth"])],
        "tiny",
        [helper.make_tensor_value_info("image", TensorProto.FLOAT, [1, 3, 16, 16])],
        [helper.make_tensor_value_info("depth", TensorProto.FLOAT, [1, 1, 16, 16])],
        [numpy_helper.from_array(weight, "w"), numpy_helper.from_array(np.ones(1, "f"), "b")],
    )
    opset = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=10), path)
    return path


@contextmanager
def serving(bundle: Bundle, tracker: Tracker, names: Sequence[str], key: str) -> Iterator[None]:
    """Phones with one key, started at the same time."""
    with ExitStack() as stack:
        lock = threading.Lock()

        def start(name: str) -> None:
            phone = EmulatedPhone(bundle)
            phone.key, phone.name = key, name
            context = phone.serve(tracker)
            context.__enter__()
            with lock:
                stack.callback(context.__exit__, None, None, None)

        starting = [threading.Thread(target=start, args=(name,)) for name in names]
        for thread in starting:
            thread.start()
        for thread in starting:
            thread.join()
        yield
