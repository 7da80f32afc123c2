"""Runs a model several times on a peer of TVM, with a mark around every inference.

python3 run_peer.py PEER RUNS FOLDER MARK_LIBRARY MODEL OPTIONS

It runs under emulation, with numpy and the peer alone: nothing of depthbench can be imported.
FOLDER holds input0.npy and gets output0.npy, and `maps` last of all. OPTIONS are JSON.
"""

from __future__ import annotations

import ctypes
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

Run = Callable[[np.ndarray], np.ndarray]


def onnxruntime(model: Path, options: dict[str, Any]) -> Run:
    """An ONNX file on ONNX Runtime's CPU provider."""
    import onnxruntime as ort

    settings = ort.SessionOptions()
    settings.intra_op_num_threads = settings.inter_op_num_threads = 1
    settings.log_severity_level = 3
    session = ort.InferenceSession(str(model), settings, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda image: session.run(None, {name: image})[0]


def ncnn(model: Path, options: dict[str, Any]) -> Run:
    """A folder of ncnn's two files, in fp32 unless `fp16` is asked for."""
    import ncnn as library

    net = library.Net()
    net.opt.num_threads = 1
    net.opt.use_bf16_storage = False
    for option in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic"):
        setattr(net.opt, option, bool(options.get("fp16")))
    failed = net.load_param(str(model / "model.param")) or net.load_model(str(model / "model.bin"))
    if failed:
        sys.exit("ncnn cannot load the model")

    def run(image: np.ndarray) -> np.ndarray:
        extractor = net.create_extractor()
        extractor.input("in0", library.Mat(image[0]))
        failed, output = extractor.extract("out0")
        if failed:
            sys.exit(f"ncnn failed (code {failed})")
        return np.array(output)

    return run


def litert(model: Path, options: dict[str, Any]) -> Run:
    """A .tflite file on LiteRT, with XNNPACK."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(model), num_threads=1)
    interpreter.allocate_tensors()
    place = interpreter.get_input_details()[0]["index"]
    result = interpreter.get_output_details()[0]["index"]

    def run(image: np.ndarray) -> np.ndarray:
        interpreter.set_tensor(place, image)
        interpreter.invoke()
        output: np.ndarray = interpreter.get_tensor(result)
        return output

    return run


PEERS = {"onnxruntime": onnxruntime, "ncnn": ncnn, "litert": litert}


def main(peer: str, runs: str, folder: str, mark_library: str, model: str, options: str) -> None:
    """Loads, runs `runs` times, and writes the last output."""
    mark = ctypes.CDLL(mark_library).inference_mark
    run = PEERS[peer](Path(model), json.loads(options))
    image = np.ascontiguousarray(np.load(Path(folder) / "input0.npy"))
    for _ in range(int(runs)):
        mark()
        output = run(image)
    mark()
    np.save(Path(folder) / "output0.npy", output)
    maps = Path("/proc/self/maps").read_text()
    (Path(folder) / "maps").write_text(maps)
    sys.stdout.flush()
    os._exit(0)  # what libraries do at their end is of no interest


if __name__ == "__main__":
    main(*sys.argv[1:])
