"""Runs a model on a runtime, in a Python that holds numpy and the runtime alone.

run_peer count RUNTIME MODEL OPTIONS RUNS FOLDER MARK_LIBRARY

Runs it RUNS times under emulation, with a mark around every inference. FOLDER holds input0.npy and
gets output0.npy, and `maps` last of all. OPTIONS are JSON: threads, precision.

run_peer serve RUNTIME MODEL OPTIONS

Answers what `device_runtime` asks on standard input, on standard output, until the input closes.
OPTIONS also name the cores to run on.

It goes to devices as one file, with what it imports of this package: see `program`.
"""

from __future__ import annotations

import ctypes
import json
import os
import platform
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from bench.measure.timing import Sample, time_once
from bench.peers.messages import pack, unpack
from bench.runtimes.cache_line import on_a_cache_line
from bench.runtimes.channel import BEGIN, receive_bytes, send_bytes

Run = Callable[[np.ndarray], np.ndarray]
# Of runs that do not count before one that does: a governor that follows the load has lowered the
# clock while others had their turn, and they have taken the caches.
WAKE_S = 0.1


def tvm(model: Path, options: dict[str, Any]) -> Run:
    """An artefact's library in TVM's virtual machine, of which tvm_ffi is all that Python sees."""
    import tvm_ffi

    for name in ("libtvm_runtime.so", "libtvm_runtime_extra.so"):
        path = next(file for folder in sys.path if (file := Path(folder) / name).is_file())
        ctypes.CDLL(str(path), ctypes.RTLD_GLOBAL)
    machine: Any = tvm_ffi.load_module(str(model))["vm_load_executable"]()
    cpu, pooled = 1, 2
    machine["vm_initialization"](cpu, 0, pooled)
    main = machine["main"]

    def run(image: np.ndarray) -> np.ndarray:
        result = main(tvm_ffi.from_dlpack(image))
        first = result if hasattr(result, "__dlpack__") else result[0]
        return np.from_dlpack(first)

    return run


def onnxruntime(model: Path, options: dict[str, Any]) -> Run:
    """An ONNX file on ONNX Runtime's CPU provider."""
    import onnxruntime as ort

    threads = options["threads"]
    settings = ort.SessionOptions()
    settings.intra_op_num_threads = threads
    settings.inter_op_num_threads = 1
    settings.add_session_config_entry("session.intra_op.allow_spinning", str(int(threads > 1)))
    settings.add_session_config_entry("session.force_spinning_stop", "1")
    settings.log_severity_level = 4
    session = ort.InferenceSession(str(model), settings, providers=["CPUExecutionProvider"])
    name = session.get_inputs()[0].name
    return lambda image: session.run(None, {name: image})[0]


def ncnn(model: Path, options: dict[str, Any]) -> Run:
    """A folder of ncnn's two files; in fp16 it stores and computes so."""
    import ncnn as library

    if options["precision"] == "fp16" and not library.cpu_support_arm_asimdhp():
        raise RuntimeError("ncnn sees no fp16 arithmetic, and would use fp32")
    net = library.Net()
    net.opt.num_threads = options["threads"]
    net.opt.use_bf16_storage = False
    for option in ("use_fp16_packed", "use_fp16_storage", "use_fp16_arithmetic"):
        setattr(net.opt, option, options["precision"] == "fp16")
    failed = net.load_param(str(model / "model.param")) or net.load_model(str(model / "model.bin"))
    if failed:
        raise RuntimeError("ncnn cannot load the model")

    def run(image: np.ndarray) -> np.ndarray:
        extractor = net.create_extractor()
        extractor.input("in0", library.Mat(image[0]))
        failed, output = extractor.extract("out0")
        if failed:
            raise RuntimeError(f"ncnn failed (code {failed})")
        return np.array(output)

    return run


def litert(model: Path, options: dict[str, Any]) -> Run:
    """A .tflite file on LiteRT, with XNNPACK."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(model), num_threads=options["threads"])
    interpreter.allocate_tensors()
    place = interpreter.get_input_details()[0]["index"]
    result = interpreter.get_output_details()[0]["index"]

    def run(image: np.ndarray) -> np.ndarray:
        interpreter.set_tensor(place, image)
        interpreter.invoke()
        output: np.ndarray = interpreter.get_tensor(result)
        return output

    return run


def mnn(model: Path, options: dict[str, Any]) -> Run:
    """A file of MNN's converter; in fp16 with what MNN calls low precision."""
    import MNN

    precision = {"fp32": "high", "fp16": "low"}[options["precision"]]
    settings = {"backend": "CPU", "numThread": options["threads"], "precision": precision}
    interpreter: Any = MNN.Interpreter(str(model))
    session = interpreter.createSession(settings)
    place = interpreter.getSessionInput(session)
    result = interpreter.getSessionOutput(session)
    kind, order = MNN.Halide_Type_Float, MNN.Tensor_DimensionType_Caffe

    def run(image: np.ndarray) -> np.ndarray:
        place.copyFrom(MNN.Tensor(image.shape, kind, image, order))
        interpreter.runSession(session)
        shape = result.getShape()
        # What it yields as an array is this tensor's memory, and lives no longer.
        fetched = MNN.Tensor(shape, kind, np.empty(shape, np.float32), order)
        result.copyToHostTensor(fetched)
        return np.array(fetched.getNumpyData()).reshape(shape)

    return run


RUNTIMES = {"tvm": tvm, "onnxruntime": onnxruntime, "ncnn": ncnn, "litert": litert, "mnn": mnn}


def count(
    runtime: str, model: str, options: str, runs: str, folder: str, mark_library: str
) -> None:
    """Loads, runs `runs` times, and writes the last output."""
    mark = ctypes.CDLL(mark_library).inference_mark
    run = RUNTIMES[runtime](Path(model), json.loads(options))
    image = np.ascontiguousarray(np.load(Path(folder) / "input0.npy"))
    for _ in range(int(runs)):
        mark()
        output = run(image)
    mark()
    np.save(Path(folder) / "output0.npy", output)
    maps = Path("/proc/self/maps").read_text()
    (Path(folder) / "maps").write_text(maps)


def serve(runtime: str, model: str, options: str) -> None:
    """Answers requests until standard input closes.

    One that takes longer than it may is ended by the kernel, whatever the runtime does.
    """
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)  # what libraries print is no reply
    replies.write(BEGIN)
    replies.flush()
    requests = Requests(runtime, Path(model), json.loads(options))
    while True:
        try:
            asked, arrays = unpack(receive_bytes(lambda size: os.read(0, size)))
        except EOFError:
            return
        signal.alarm(asked["limit_s"])
        reply: dict[str, Any] = {}
        outputs: dict[str, np.ndarray] = {}
        try:
            reply["answer"], outputs = getattr(requests, asked["name"])(**asked["values"], **arrays)
        except Exception as error:
            lines = [line.strip() for line in str(error).splitlines() if line.strip()]
            reply["error"] = " ".join([f"{type(error).__name__}:", *lines[:1]])
        signal.alarm(0)
        send_bytes(replies.write, pack(reply, **outputs))
        replies.flush()


class Requests:
    """What can be asked for, by name; each gives a plain answer and arrays."""

    def __init__(self, runtime: str, model: Path, options: dict[str, Any]) -> None:
        self._load = lambda: RUNTIMES[runtime](model, options)
        self._options = options
        self._used: tuple[np.ndarray, bool]

    def load(self) -> tuple[Any, dict[str, np.ndarray]]:
        """Load the model on the cores that are asked for; those that it got."""
        if self._options["precision"] == "fp16" and not has_fp16():
            raise RuntimeError("the processor has no fp16 arithmetic")
        if self._options["cores"]:
            os.sched_setaffinity(0, self._options["cores"])
        self._run = self._load()
        return {"cores": sorted(os.sched_getaffinity(0))}, {}

    def run(self, image: np.ndarray) -> tuple[Any, dict[str, np.ndarray]]:
        """The output."""
        return None, {"output": np.array(self._run(on_a_cache_line(image)))}

    def use(self, image: np.ndarray, several_threads: bool) -> tuple[Any, dict[str, np.ndarray]]:
        """What `sample` is to run on."""
        self._used = on_a_cache_line(image), several_threads
        return None, {}

    def sample(self) -> tuple[Sample, dict[str, np.ndarray]]:
        """Time one inference by this machine's clock, around the call."""
        image, several_threads = self._used
        end = time.monotonic() + WAKE_S
        self._run(image)
        while time.monotonic() < end:
            self._run(image)
        return time_once(lambda: self._run(image), several_threads), {}

    def where(self) -> tuple[Any, dict[str, np.ndarray]]:
        """The cores that this process's threads may run on, and where they last ran."""
        return {"cores": sorted(os.sched_getaffinity(0)), "ran_on": sorted(last_cores())}, {}


def has_fp16() -> bool:
    """Whether this is an arm64 processor with vectors of fp16, as Linux tells in HWCAP_ASIMDHP."""
    if platform.machine() != "aarch64":
        return False
    get = ctypes.CDLL(None).getauxval
    get.argtypes, get.restype = [ctypes.c_ulong], ctypes.c_ulong
    at_hwcap, asimdhp = 16, 1 << 10
    return bool(get(at_hwcap) & asimdhp)


def last_cores() -> set[int]:
    """Where the threads of this process that used any time last ran."""
    found = set()
    for stat in Path("/proc/self/task").glob("*/stat"):
        fields = stat.read_text().rpartition(")")[2].split()
        ticks, core = int(fields[11]) + int(fields[12]), int(fields[36])
        if ticks:
            found.add(core)
    return found


def main() -> None:
    """Do what the command line says, and end at once."""
    tasks: dict[str, Callable[..., None]] = {"count": count, "serve": serve}
    tasks[sys.argv[1]](*sys.argv[2:])
    sys.stdout.flush()
    os._exit(0)  # what libraries do at their end is of no interest
