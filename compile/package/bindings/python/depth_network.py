"""A compiled depth network, by its C library: Python 3.10 or later, and nothing else.

    from network import DepthNetwork, Frame

    with DepthNetwork(threads=4) as network:
        (depth,) = network.run(image)
        depth = network.run_frame(Frame.rgba(pixels, width=640, height=480))

Whatever has the buffer protocol goes in: NumPy arrays, `array.array`, bytes. Results are NumPy
arrays where NumPy is installed, else memoryviews of the same shape.
The library is looked for beside this file, then in `../lib`.
"""

from __future__ import annotations

import contextlib
import ctypes
import importlib
import json
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

numpy: Any = None
with contextlib.suppress(ImportError):
    numpy = importlib.import_module("numpy")

LIBRARY = "libnetwork.so"
MAX_RANK = 8
BUFFER_ALIGNMENT = 64
"""Buffers that begin on a multiple of it are used where they lie; others are copied."""


class DepthError(RuntimeError):
    """Why a call failed; a class for each status of depth.h, `status` is its number."""

    status = 10


class BadArgument(DepthError, ValueError):
    """An argument is negative, of a wrong number, or unknown."""

    status = 1


class Closed(DepthError):
    """The network was closed."""

    status = 2


class BadBuffer(DepthError, ValueError):
    """A buffer has another size, shape or type than its port, or cannot be written."""

    status = 3


class Busy(DepthError):
    """Another thread is running this network."""

    status = 4


class NoMemory(DepthError, MemoryError):
    """There is not enough memory."""

    status = 5


class NoThread(DepthError):
    """A thread could not be started, or not be pinned to its core."""

    status = 6


class NoWeights(DepthError):
    """The file of weights is missing, or another network's."""

    status = 7


class NoImage(DepthError):
    """The network does not take one image and give a map of it."""

    status = 8


class NoProcessor(DepthError):
    """The processor lacks instructions that the network was compiled for."""

    status = 9


_ERRORS = {error.status: error for error in DepthError.__subclasses__()}


# In the order of depth_type: NumPy's name, and that of struct and memoryview.
_TYPES = (
    *(("float32", "f"), ("float16", "e"), ("float64", "d"), ("bool", "?")),
    *(("int8", "b"), ("int16", "h"), ("int32", "i"), ("int64", "q")),
    *(("uint8", "B"), ("uint16", "H"), ("uint32", "I"), ("uint64", "Q")),
)
_CODES: dict[str, Any] = dict(_TYPES)
_SAME_CODE = {"l": "q", "L": "Q", "c": "B"}


@dataclass(frozen=True)
class Port:
    """An input or output of the network, of elements that NumPy calls `dtype`.

    `unit` is that of depth: "m", "1/m", "" for relative depth; None where the port is no depth.
    """

    name: str
    dtype: str
    shape: tuple[int, ...]
    bytes: int
    unit: str | None


@dataclass(frozen=True)
class Plane:
    """A plane of a frame: bytes, from a row to the next, from a sample to the next in a row."""

    data: Any
    row_stride: int
    pixel_stride: int


@dataclass(frozen=True)
class Frame:
    """A camera's frame of `width` x `height` pixels as they lie in memory.

    `rotation` is the clockwise degrees that make it upright: 0, 90, 180 or 270. YUV is full
    range, BT.601.
    """

    format: int
    width: int
    height: int
    rotation: int
    planes: tuple[Plane, ...]

    @classmethod
    def rgba(
        cls, pixels: Any, *, width: int, height: int, rotation: int = 0, row_stride: int = 0
    ) -> Frame:
        """Red, green, blue, alpha, a byte each; alpha is ignored."""
        plane = Plane(pixels, row_stride or 4 * width, 4)
        return cls(1, width, height, rotation, (plane,))

    @classmethod
    def nv21(cls, samples: Any, *, width: int, height: int, rotation: int = 0) -> Frame:
        """A plane of Y, then one of V and U in turns at half the size, without gaps."""
        whole = memoryview(samples).cast("B")
        brightness, colour = whole[: width * height], whole[width * height :]
        planes = (Plane(brightness, width, 1), Plane(colour, width, 2))
        return cls(2, width, height, rotation, planes)

    @classmethod
    def yuv420(
        cls, y: Plane, u: Plane, v: Plane, *, width: int, height: int, rotation: int = 0
    ) -> Frame:
        """YUV_420_888: three planes, U and V at half the size."""
        return cls(3, width, height, rotation, (y, u, v))


class DepthNetwork:
    """The compiled network: an instance holds the memory and the threads of one run at a time.

    `threads` compute, the caller's included (0: as many as it was compiled for), on the cores
    `cpus`, where they are given. `weights` is the file of weights where the library does not hold
    them. Different instances may run at the same time on different threads; a call on one that
    is running raises Busy. Raises DepthError where it cannot be made.
    """

    def __init__(
        self, *, threads: int = 0, cpus: Sequence[int] = (), weights: str | Path | None = None
    ) -> None:
        path = None if weights is None else os.fsencode(weights)
        numbers = (ctypes.c_int32 * len(cpus))(*cpus)
        place = ctypes.addressof(numbers) if len(cpus) else None
        options = _Options(threads, place, len(cpus), path)
        handle = ctypes.c_uint64()
        _check(_library.depth_create(ctypes.byref(handle), ctypes.byref(options)), 0)
        self._handle = handle.value
        self._closed = False

    def __enter__(self) -> DepthNetwork:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def run(self, *inputs: Any, outputs: Sequence[Any] | None = None) -> list[Any]:
        """One inference: a buffer for each of `INPUTS` gives one for each of `OUTPUTS`.

        `outputs` are buffers to write to, of the ports' sizes; else new ones are made. Raises
        BadArgument for a wrong number of buffers, BadBuffer for wrong ones, Busy and Closed.
        """
        results = [_new(port) for port in OUTPUTS] if outputs is None else list(outputs)
        for given, ports in ((inputs, INPUTS), (results, OUTPUTS)):
            if len(given) != len(ports):
                raise BadArgument(f"{len(given)} buffers for {len(ports)} ports")
        taken = [_readable(_view(*pair)) for pair in zip(inputs, INPUTS, strict=True)]
        written = [_writable(_view(*pair)) for pair in zip(results, OUTPUTS, strict=True)]
        status = _library.depth_run(self._handle, *_addresses(taken), *_addresses(written))
        _check(status, self._handle)
        return results

    def run_frame(self, frame: Frame, *, output: Any = None) -> Any:
        """A camera's frame, turned upright, resized, normalised and run: its map, upright.

        The map is float32 in the shape of the output that is depth; `output` is a buffer to write
        it to. Raises NoImage where the network does not take one image, BadArgument, BadBuffer,
        Busy and Closed.
        """
        depth = depth_port()
        size = math.prod(depth.shape) * ctypes.sizeof(ctypes.c_float)
        port = replace(depth, dtype="float32", bytes=size)  # whatever the output is
        result = _new(port) if output is None else output
        planes = [_readable(memoryview(plane.data).cast("B")) for plane in frame.planes]
        target = _writable(_view(result, port))
        given = _Frame(frame.format, frame.width, frame.height, frame.rotation)
        for place, (plane, memory) in enumerate(zip(frame.planes, planes, strict=True)):
            given.planes[place] = _Plane(
                ctypes.addressof(memory), len(memory), plane.row_stride, plane.pixel_stride
            )
        buffers = ctypes.byref(given), ctypes.byref(target), len(target)
        _check(_library.depth_run_frame(self._handle, *buffers), self._handle)
        return result

    def set_camera(self, focal_x: float, focal_y: float) -> None:
        """The camera of frames to come: its focal lengths in their pixels; 0 and 0: not known."""
        _check(_library.depth_set_camera(self._handle, focal_x, focal_y), self._handle)

    def last_times(self) -> tuple[float, float]:
        """Milliseconds of the last frame's conversion, and of the network.

        Raises NoImage where no frame has been run, Busy and Closed.
        """
        conversion, forward = ctypes.c_double(), ctypes.c_double()
        places = ctypes.byref(conversion), ctypes.byref(forward)
        _check(_library.depth_last_times(self._handle, *places), self._handle)
        return conversion.value, forward.value

    def benchmark(self, runs: int = 300, *, warm_up: int = 10) -> list[float]:
        """Milliseconds of each of `runs` inferences of zeros, after `warm_up` that do not count.

        The library itself takes the time. Raises BadArgument, Busy and Closed.
        """
        times = (ctypes.c_double * max(runs, 1))()
        _check(_library.depth_benchmark(self._handle, warm_up, runs, times), self._handle)
        return list(times[:runs])

    def record(self, milliseconds: Sequence[float], *, warm_up: int = 10) -> dict[str, Any]:
        """What `benchmark` measured as a record of depthbench: a line of its records.jsonl."""
        times = (ctypes.c_double * max(len(milliseconds), 1))(*milliseconds)
        length, capacity = ctypes.c_size_t(), 1
        while True:
            text = ctypes.create_string_buffer(capacity)
            status = _library.depth_benchmark_record(
                *(self._handle, warm_up, len(milliseconds), times),
                *(text, capacity, ctypes.byref(length)),
            )
            if status != BadBuffer.status or length.value < capacity:
                break
            capacity = length.value + 1
        _check(status, self._handle)
        record: dict[str, Any] = json.loads(text.raw[: length.value])
        return record

    def close(self) -> None:
        """Gives memory and threads back; does nothing the second time. Raises Busy."""
        if not self._closed:
            _check(_library.depth_destroy(self._handle), self._handle)
            self._closed = True


def _structure(**fields: Any) -> Any:
    """A structure of depth.h."""
    return type("_Structure", (ctypes.Structure,), {"_fields_": list(fields.items())})


_text, _int, _int32, _size = ctypes.c_char_p, ctypes.c_int, ctypes.c_int32, ctypes.c_size_t
_address = ctypes.c_void_p
_shape = ctypes.c_int64 * MAX_RANK
_Port = _structure(name=_text, type=_int, rank=_int32, shape=_shape, bytes=_size, unit=_text)
_Options = _structure(threads=_int32, cpus=_address, cpu_count=_int32, weights=_text)
_Plane = _structure(data=_address, bytes=_size, row_stride=_int32, pixel_stride=_int32)
_Frame = _structure(format=_int, width=_int32, height=_int32, rotation=_int32, planes=_Plane * 3)


def _load() -> ctypes.CDLL:
    here = Path(__file__).resolve().parent
    places = (here / LIBRARY, here.parent / "lib" / LIBRARY)
    library = ctypes.CDLL(str(next((file for file in places if file.exists()), places[0])))
    for name in ("depth_input", "depth_output"):
        getattr(library, name).restype = ctypes.POINTER(_Port)
    for name in ("depth_manifest", "depth_last_error"):
        getattr(library, name).restype = ctypes.c_char_p
    handle = ctypes.c_uint64
    library.depth_last_error.argtypes = (handle,)
    library.depth_destroy.argtypes = (handle,)
    library.depth_run.argtypes = (handle, *[_address] * 4)
    library.depth_run_frame.argtypes = (handle, _address, _address, _size)
    library.depth_set_camera.argtypes = (handle, ctypes.c_double, ctypes.c_double)
    library.depth_last_times.argtypes = (handle, _address, _address)
    library.depth_benchmark.argtypes = (handle, _int32, _int32, _address)
    record = (handle, _int32, _int32, _address, _address, _size, _address)
    library.depth_benchmark_record.argtypes = record
    return library


_library = _load()


def _ports(count: int, of: Any) -> tuple[Port, ...]:
    ports = []
    for place in range(count):
        port = of(place).contents
        unit = None if port.unit is None else port.unit.decode()
        shape = tuple(port.shape[: port.rank])
        ports.append(Port(port.name.decode(), _TYPES[port.type][0], shape, port.bytes, unit))
    return tuple(ports)


INPUTS = _ports(_library.depth_input_count(), _library.depth_input)
"""What the network takes, in the order of `run`."""
OUTPUTS = _ports(_library.depth_output_count(), _library.depth_output)
"""What the network gives, in the order of `run`."""
MANIFEST: dict[str, Any] = json.loads(_library.depth_manifest())
"""What the library was made from: model, hashes, target, precision, card, tools."""


def _check(status: int, handle: int) -> None:
    if status:
        message = _library.depth_last_error(handle).decode(errors="replace")
        raise _ERRORS.get(status, DepthError)(message)


def depth_port() -> Port:
    """The output that is depth; NoImage where there is none."""
    for port in OUTPUTS:
        if port.unit is not None:
            return port
    raise NoImage("no output of the network is depth")


def _new(port: Port) -> Any:
    """An aligned buffer of zeros for a port, in its shape."""
    memory = bytearray(port.bytes + BUFFER_ALIGNMENT)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    start = -address % BUFFER_ALIGNMENT
    view = memoryview(memory)[start : start + port.bytes]
    if numpy is not None:
        return numpy.frombuffer(view, port.dtype).reshape(port.shape)
    code = _CODES[port.dtype]
    if code == "e":  # which no memoryview is cast to
        return view
    return view.cast(code, port.shape) if port.shape else view.cast(code)


def _view(buffer: Any, port: Port) -> memoryview:
    """The bytes of a buffer; BadBuffer unless it has the port's type and shape.

    Bytes stand for any type, and one dimension for any shape.
    """
    try:
        view = memoryview(buffer)
    except TypeError as error:
        raise BadBuffer(f"{port.name}: {type(buffer).__name__} is no buffer") from error
    code = _SAME_CODE.get(view.format, view.format)
    if code not in (_CODES[port.dtype], "B"):
        raise BadBuffer(f"{port.name}: elements are {view.format!r}, not {port.dtype}")
    if view.nbytes != port.bytes or (view.ndim > 1 and view.shape != port.shape):
        raise BadBuffer(f"{port.name}: shape {view.shape}, not {port.shape}")
    return view


def _readable(view: memoryview) -> Any:
    """The bytes where they lie, or a copy where they have gaps or may not be written."""
    if view.readonly or not view.c_contiguous:
        return (ctypes.c_char * view.nbytes).from_buffer_copy(view.tobytes())
    return (ctypes.c_char * view.nbytes).from_buffer(view)


def _writable(view: memoryview) -> Any:
    if view.readonly or not view.c_contiguous:
        raise BadBuffer("an output is read-only or has gaps")
    return (ctypes.c_char * view.nbytes).from_buffer(view)


def _addresses(buffers: Sequence[Any]) -> tuple[Any, Any]:
    """What depth_run takes of the buffers: where they lie, and their bytes."""
    places = (ctypes.c_void_p * len(buffers))(*map(ctypes.addressof, buffers))
    return places, (ctypes.c_size_t * len(buffers))(*map(len, buffers))
