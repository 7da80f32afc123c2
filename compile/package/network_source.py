"""A network as C: the tables that library/network.h declares."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path
from typing import Any

import tvm

from compile.onnx.checked_model import Port
from compile.package.image import ImageInput
from compile.package.plan import Plan, Tensor, byte_size

# The names of NumPy's types in depth.h, which are also those of ONNX.
TYPES = {
    "float32": "DEPTH_FLOAT32",
    "float16": "DEPTH_FLOAT16",
    "float64": "DEPTH_FLOAT64",
    "bool": "DEPTH_BOOL",
    **{
        f"{sign}int{bits}": f"DEPTH_{sign.upper()}INT{bits}"
        for sign in ("", "u")
        for bits in (8, 16, 32, 64)
    },
}
MAX_RANK = 8
_PLACES = {
    "arena": "IN_ARENA",
    "weights": "IN_WEIGHTS",
    "input": "IN_INPUT",
    "output": "IN_OUTPUT",
}
# How TVM names the function of a kernel.
SYMBOL = "__tvm_ffi_"


@dataclass(frozen=True)
class Weights:
    """The bytes of all weights: their file, length and SHA-256.

    `inside` says whether they are part of the library, else they are mapped from a file.
    """

    file: Path
    bytes: int
    sha256: str
    inside: bool


def network_source(
    name: str,
    manifest: Mapping[str, Any],
    inputs: Sequence[Port],
    outputs: Sequence[Port],
    plan: Plan,
    weights: Weights,
    *,
    threads: int,
    workspace_bytes: int,
    cpu_features: Iterable[tuple[str, int, int]],
    image: ImageInput | None,
) -> str:
    """The content of network.c.

    `workspace_bytes` is what one thread's kernels ask for at most while they run, `cpu_features`
    what the processor must have: a name, and a word and bit of what library/processor.c reads.
    """
    edges = [tensor.shape for tensor in plan.tensors]
    starts = [0, *accumulate(map(len, edges))]
    arguments = [call.arguments for call in plan.calls]
    firsts = [0, *accumulate(map(len, arguments))]
    kernels = dict.fromkeys(call.kernel for call in plan.calls)
    unit = {image.output: image.unit} if image else {}
    lines = [
        f"/* {name}: written by depthbench. */",
        '#include "network.h"',
        "",
        *(f"kernel {SYMBOL}{kernel};" for kernel in kernels),
        "",
        f"const char network_name[] = {_text(name)};",
        f"const char network_manifest[] =\n{_long_text(json.dumps(manifest, allow_nan=False))};",
        f"const int32_t network_threads = {threads};",
        _number("int32_t", "inputs", len(inputs)),
        _number("int32_t", "outputs", len(outputs)),
        _table("depth_port", "input", [_port(one, None) for one in inputs]),
        _table("depth_port", "output", [_port(one, unit.get(i)) for i, one in enumerate(outputs)]),
        _number("int32_t", "tensors", len(plan.tensors)),
        _number("int32_t", "port_tensors", plan.port_tensors),
        _number("int32_t", "arguments", firsts[-1]),
        _number("int32_t", "edges", starts[-1]),
        _number("int32_t", "calls", len(plan.calls)),
        _number("int32_t", "copies", len(plan.copies)),
        _table(
            "tensor", "tensor", [_tensor(*one) for one in zip(plan.tensors, starts, strict=False)]
        ),
        _table("int32_t", "argument", [", ".join(map(str, one)) for one in arguments if one]),
        _table("int64_t", "edge", [", ".join(map(str, one)) for one in edges if one]),
        _table(
            "kernel_call",
            "call",
            [
                f"{{{SYMBOL}{call.kernel}, {first}, {len(call.arguments)}}}"
                for call, first in zip(plan.calls, firsts, strict=False)
            ],
        ),
        _table("output_copy", "copy", [f"{{{to}, {what}}}" for to, what in plan.copies]),
        _number("size_t", "arena_bytes", plan.arena_bytes),
        _number("size_t", "workspace_bytes", workspace_bytes),
        _table(
            "cpu_feature",
            "cpu_feature",
            [*(f"{{{_text(one)}, {word}, {bit}}}" for one, word, bit in cpu_features), "{0}"],
        ),
        *_weights(weights),
        _image(image),
    ]
    return "\n".join(lines) + "\n"


def _number(kind: str, name: str, value: int) -> str:
    return f"const {kind} network_{name} = {value};"


def _table(kind: str, name: str, rows: Sequence[str]) -> str:
    """An array; C has none without elements."""
    body = ",\n".join(f"    {row}" for row in rows or ["0" if kind.endswith("_t") else "{0}"])
    return f"const {kind} network_{name}[] = {{\n{body},\n}};"


def _port(port: Port, unit: str | None) -> str:
    shape = ", ".join(map(str, port.shape)) or "0"
    return (
        f"{{{_text(port.name)}, {TYPES[port.dtype]}, {len(port.shape)}, {{{shape}}}, "
        f"{byte_size(port.shape, port.dtype)}, {'0' if unit is None else _text(unit)}}}"
    )


def _tensor(tensor: Tensor, shape: int) -> str:
    dtype = tvm.DataType(tensor.dtype)
    return (
        f"{{{_PLACES[tensor.place]}, {int(dtype.type_code)}, {dtype.bits}, {len(tensor.shape)}, "
        f"{tensor.port}, {tensor.offset}, {shape}}}"
    )


def _weights(weights: Weights) -> list[str]:
    digest = ", ".join(f"{byte:#04x}" for byte in bytes.fromhex(weights.sha256))
    pointer = "NULL"
    lines = []
    if weights.inside and weights.bytes:
        pointer = "weights_in_library"
        lines = [
            f"extern const uint8_t {pointer}[];",
            "__asm__(",
            r'    ".pushsection .rodata.weights,\"a\"\n"',
            r'    ".balign 64\n"',
            rf'    ".globl {pointer}\n.hidden {pointer}\n{pointer}:\n"',
            f"    {_text(f'.incbin {json.dumps(str(weights.file))}')}" r' "\n"',
            r'    ".popsection\n");',
        ]
    return [
        *lines,
        f"const uint8_t *const network_weights = {pointer};",
        _number("size_t", "weights_bytes", weights.bytes),
        f"const uint8_t network_weights_sha256[32] = {{{digest}}};",
    ]


def _image(image: ImageInput | None) -> str:
    if image is None:
        return 'const image_input network_image = {.interpolation = "", .meaning = ""};'

    def floats(values: Iterable[float]) -> str:
        return ", ".join(f"{float(value)!r}f" for value in values)

    def flag(value: bool) -> str:
        return "true" if value else "false"

    return "\n".join(
        [
            "const image_input network_image = {",
            f"    {image.input}, {image.output}, {image.height}, {image.width},",
            f"    {flag(image.channels_last)}, {flag(image.bgr)}, {flag(image.bytes)},",
            f"    {floats(image.range)}, {{{floats(image.mean)}}}, {{{floats(image.std)}}},",
            f"    {_text(image.interpolation)}, {flag(image.antialias)}, "
            f"{flag(image.align_corners)},",
            f"    {_text(image.meaning)}, {floats([image.scale, image.shift])},",
            f"    {flag(image.clip is not None)}, {floats(image.clip or (0, 0))},",
            f"    {flag(image.meaning == 'inverse-metres')}, {floats([image.focal or 0])},",
            "};",
        ]
    )


def _text(value: str) -> str:
    """A string literal of C: octal escapes have three digits at most, whatever follows."""
    plain = (
        chr(byte) if 32 <= byte < 127 and chr(byte) not in '"\\?' else f"\\{byte:03o}"
        for byte in value.encode()
    )
    return f'"{"".join(plain)}"'


def _long_text(value: str, width: int = 80) -> str:
    parts = [value[at : at + width] for at in range(0, len(value), width)] or [""]
    return "\n".join(f"    {_text(part)}" for part in parts)
