"""Turn products of bytes, and roundings to bytes, into the instructions of a machine."""

from __future__ import annotations

import functools
from collections.abc import Callable

import tvm
from tvm import tirx
from tvm.ir.expr import TensorLoad
from tvm_ffi import structural_map

from compile.operators.bytes.byte_dot_products import (
    BYTES,
    BYTES_IN_FLOATS,
    DOTS,
    FILLER,
    IN_FLOAT,
    NEAR_BYTES,
    QUAD,
    QUAD_BYTES,
    ROUND_BYTES,
    rounder,
)
from compile.operators.loop_nests import map_loop_nests
from compile.operators.vector_math import ROUNDER, ROUNDER_BITS, rounded

# LLVM's names of vector instructions, the products' by the lanes of their sum.
_SDOT = {4: "llvm.aarch64.neon.sdot.v4i32.v16i8"}
_VPDPBUSD = {lanes: f"llvm.x86.avx512.vpdpbusd.{lanes * 32}" for lanes in (4, 8, 16)}
_NARROW = {"int8": "llvm.aarch64.neon.sqxtn", "uint8": "llvm.aarch64.neon.sqxtun"}
_ROUNDINGS = {
    name: dtype for names in (BYTES, NEAR_BYTES, ROUND_BYTES) for dtype, name in names.items()
}
_WIDENINGS = {name: dtype for dtype, name in IN_FLOAT.items()}
_NEON_LANES, _HALVES = 4, 8
# Adding 1.5 * 2^10 rounds a float16 below 2^9 to an integer, kept in its low bits.
_HALF_ROUNDER = 1536
_BYTE_BITS = 8


@tvm.transform.module_pass(opt_level=0, name="ByteInstructions")
def byte_instructions(mod: tvm.IRModule, _: tvm.transform.PassContext) -> tvm.IRModule:
    """The vectorised module with loads of quads, products and roundings as instructions.

    Where the machine has none for them, as when code for a phone is checked elsewhere, they are
    written out in other arithmetic, with the same results.
    """
    return map_loop_nests(mod, _rewritten)


def _rewritten(function: tirx.PrimFunc) -> tirx.PrimFunc:
    features = _features(function)
    dots: dict[str, dict[int, str]] = {}
    if "dotprod" in features:
        dots[DOTS["int8", "int8"]] = _SDOT
    if {"avx512vnni", "avx512vl"} <= features:
        dots[DOTS["uint8", "int8"]] = _VPDPBUSD

    def on_add(add: tirx.Add) -> tirx.Expr:
        for total, product in ((add.a, add.b), (add.b, add.a)):
            name = _operator(product)
            if name in _SIGNS:
                return _multiply_add(total, product, dots.get(name, {}))
        return add

    def on_call(call: tvm.ir.Call) -> tirx.Expr:
        name = _operator(call)
        if name == QUAD:
            return _load(call)
        if name in _WIDENINGS:
            return _in_float(call, _WIDENINGS[name], neon="neon" in features)
        return _byte(call, name, neon="neon" in features) if name in _ROUNDINGS else call

    body = structural_map(function.body, (tirx.Add, on_add))
    body = structural_map(body, (tvm.ir.Call, on_call))
    if "neon" in features:
        body = structural_map(body, (tirx.Cast, _float_of_bytes))
    return function.with_body(body)


def _features(function: tirx.PrimFunc) -> frozenset[str]:
    """What the machine that a function is made for can do, in LLVM's names."""
    target = function.attrs.get("target") if function.attrs else None
    target = target or tvm.target.Target.current(allow_none=True)
    return _features_of(str(target)) if target else frozenset()


@functools.cache
def _features_of(target: str) -> frozenset[str]:
    from tvm.target import codegen

    return frozenset(map(str, codegen.llvm_get_cpu_features(tvm.target.Target(target))))


def _multiply_add(total: tirx.Expr, product: tvm.ir.Call, names: dict[int, str]) -> tirx.Expr:
    lanes = _lanes(total)
    left, right = product.args
    if lanes in names:
        # NEON multiplies by a lane of its last operand, which for us is a pixel's.
        order = (right, left) if names is _SDOT else (left, right)
        wide = f"int8x{lanes * QUAD_BYTES}"
        operands = [tirx.reinterpret(wide, one) for one in order]
        return tirx.call_llvm_pure_intrin(_type("int32", lanes), names[lanes], total, *operands)
    sign_left, sign_right = _SIGNS[_operator(product)]
    for byte in range(QUAD_BYTES):
        total = total + sign_left(left, byte) * sign_right(right, byte)
    return total


def _load(call: tvm.ir.Call) -> tirx.Expr:
    """One load of all bytes instead of a load of each."""
    first = call.args[0]
    assert isinstance(first, TensorLoad)
    lanes = _lanes(call)
    (index,) = first.indices
    start = index.base if isinstance(index, tirx.Ramp) else index
    ramp = tirx.Ramp(start, tirx.const(1, start.ty.dtype), lanes * QUAD_BYTES)
    return tirx.reinterpret(_type("int32", lanes), tirx.BufferLoad(first.source, [ramp]))


def _byte(call: tvm.ir.Call, name: str, *, neon: bool) -> tirx.Expr:
    """The nearest byte to each float of a vector, moved by the zero point."""
    lanes, (value, zero) = _lanes(call), call.args
    dtype = _ROUNDINGS[name]
    origin = int(zero.value if isinstance(zero, tirx.Broadcast) else zero)
    half = str(value.ty.dtype).startswith("float16")
    if half and not (neon and lanes % _HALVES == 0):
        half, value = False, value.astype(_type("float32", lanes))
    variable = tirx.Var("value", value.ty)
    ends = [int(edge(dtype)) for edge in (tirx.min_value, tirx.max_value)]
    if name in ROUND_BYTES.values():
        if neon and lanes % _NEON_LANES == 0:
            return tirx.Let(variable, value, _narrowed(variable, lanes, name, origin))
        bits = tirx.reinterpret(_type("int32", lanes), variable)
        whole = bits - _splat(ROUNDER_BITS - origin % 2, bits)
        lowest, highest = (_splat(edge, bits) for edge in ends)
        byte = tirx.max(tirx.min(whole, highest), lowest).astype(_type(dtype, lanes))
        return tirx.Let(variable, value, byte)
    lowest, highest = (tirx.const(edge - origin, "float16" if half else "float32") for edge in ends)
    within = tirx.max(tirx.min(variable, highest), lowest)
    if half:
        bytes_ = _halves_narrowed(within, lanes, dtype, origin)
    elif neon and lanes % _NEON_LANES == 0:
        near = variable if name in NEAR_BYTES.values() else within
        bounded = tirx.Var("bounded", value.ty)
        bytes_ = tirx.Let(bounded, near, _narrowed(bounded, lanes, name, origin))
    else:
        bytes_ = rounded(within, plus=origin).astype(_type(dtype, lanes))
    return tirx.Let(variable, value, bytes_)


def _in_float(call: tvm.ir.Call, dtype: str, *, neon: bool) -> tirx.Expr:
    """Each byte of a vector among the bits of a float: between others that are the same in all."""
    lanes, (value,) = _lanes(call), call.args
    if not neon or lanes % _HALVES:
        more = tirx.const(BYTES_IN_FLOATS[dtype], "float32")
        wide = value.astype(_type("float32", lanes))
        return wide + (tirx.Broadcast(more, lanes) if lanes > 1 else more)
    return _among_bits(value, dtype, lanes)


def _among_bits(value: tirx.Expr, dtype: str, lanes: int) -> tirx.Expr:
    variable = tirx.Var("bytes", value.ty)
    from_least = variable ^ _splat(-(2**7), variable, dtype) if dtype == "int8" else variable
    filler = tirx.Broadcast(tirx.const(FILLER, dtype), lanes)
    fillers = tirx.reinterpret("int16x8", tirx.Broadcast(tirx.const(FILLER, dtype), 2 * _HALVES))
    fours = []
    for start in range(0, lanes, _HALVES):
        order = [place for lane in range(start, start + _HALVES) for place in (lane, lanes + lane)]
        pairs = tirx.Shuffle([filler, from_least], [tirx.const(one, "int32") for one in order])
        halves = tirx.reinterpret("int16x8", pairs)
        for four in (range(_NEON_LANES), range(_NEON_LANES, _HALVES)):
            places = [place for lane in four for place in (lane, _HALVES + lane)]
            words = tirx.Shuffle([halves, fillers], [tirx.const(one, "int32") for one in places])
            fours.append(tirx.reinterpret("float32x4", words))
    return tirx.Let(variable, value, _lanes_of(fours, 0, lanes))


def _float_of_bytes(cast: tirx.Cast) -> tirx.Expr:
    """A vector of bytes as floats without conversions, of which NEON does few at a time."""
    lanes, dtype = _lanes(cast), str(cast.value.ty.dtype).partition("x")[0]
    if dtype not in IN_FLOAT or cast.ty.dtype != _type("float32", lanes) or lanes % _NEON_LANES:
        return cast
    if lanes % _HALVES:
        bits = cast.value.astype(_type("int32", lanes)) + _splat(ROUNDER_BITS, cast)
        return tirx.reinterpret(cast.ty.dtype, bits) - _float(ROUNDER, lanes)
    return _among_bits(cast.value, dtype, lanes) - _float(BYTES_IN_FLOATS[dtype], lanes)


def _float(value: float, lanes: int) -> tirx.Expr:
    return tirx.Broadcast(tirx.const(value, "float32"), lanes)


def _halves_narrowed(value: tirx.Expr, lanes: int, dtype: str, zero: int) -> tirx.Expr:
    """Float16 numbers that are near a byte: rounded, their bits end with it."""
    rounder_ = tirx.const(_HALF_ROUNDER + zero - zero % 2, "float16")
    variable = tirx.Var("rounded", value.ty)
    eights = [
        tirx.reinterpret(
            f"{dtype}x16",
            variable if lanes == _HALVES else _lanes_of([variable], start, _HALVES),
        )
        for start in range(0, lanes, _HALVES)
    ]
    bytes_ = []
    for first in range(0, len(eights), 2):
        pair = eights[first : first + 2]
        lower = [tirx.const(2 * lane, "int32") for lane in range(_HALVES * len(pair))]
        some = tirx.Shuffle(pair, lower)
        bytes_.append(some + _splat(1, some, dtype) if zero % 2 else some)
    whole = bytes_[0] if len(bytes_) == 1 else _lanes_of(bytes_, 0, lanes)
    return tirx.Let(variable, value + rounder_, whole)


def _narrowed(value: tirx.Expr, lanes: int, name: str, zero: int) -> tirx.Expr:
    """Numbers that are near, rounded, four lanes at a time, and halved twice, saturating."""
    dtype = _ROUNDINGS[name]
    fours = [
        value if lanes == _NEON_LANES else _lanes_of([value], start, _NEON_LANES)
        for start in range(0, lanes, _NEON_LANES)
    ]
    bytes_ = []
    for first in range(0, len(fours), 2):
        pair = fours[first : first + 2]
        pair = pair if len(pair) == 2 else pair * 2
        eight = _shorts(pair, zero, is_rounded=name in ROUND_BYTES.values())
        bytes_.append(tirx.call_llvm_pure_intrin(f"{dtype}x8", f"{_NARROW[dtype]}.v8i8", eight))
    return bytes_[0] if lanes == 8 else _lanes_of(bytes_, 0, lanes)


def _shorts(pair: list[tirx.Expr], zero: int, *, is_rounded: bool) -> tirx.Expr:
    """Eight numbers that are near, plus the zero point: the lower half of the bits of each."""
    if not is_rounded:
        plus = tirx.Broadcast(tirx.const(rounder(zero), "float32"), _NEON_LANES)
        pair = [four + plus for four in pair]
    halves = [tirx.reinterpret("int16x8", four) for four in pair]
    lower = [tirx.const(2 * lane, "int32") for lane in range(2 * _NEON_LANES)]
    eight = tirx.Shuffle(halves, lower)
    if zero % 2:
        eight = eight + tirx.Broadcast(tirx.const(1, "int16"), 2 * _NEON_LANES)
    return eight


def _lanes_of(vectors: list[tirx.Expr], start: int, count: int) -> tirx.Expr:
    """So many lanes of vectors laid end to end."""
    return tirx.Shuffle(vectors, [tirx.const(start + lane, "int32") for lane in range(count)])


def _operator(expr: tirx.Expr) -> str:
    return str(getattr(getattr(expr, "op", None), "name", ""))


def _lanes(expr: tirx.Expr) -> int:
    return int(expr.ty.dtype.lanes)


def _type(dtype: str, lanes: int) -> str:
    return dtype if lanes == 1 else f"{dtype}x{lanes}"


def _signed_byte(quads: tirx.Expr, byte: int) -> tirx.Expr:
    return (quads << _bits(quads, QUAD_BYTES - 1 - byte)) >> _bits(quads, QUAD_BYTES - 1)


def _unsigned_byte(quads: tirx.Expr, byte: int) -> tirx.Expr:
    return (quads >> _bits(quads, byte)) & _splat(2**_BYTE_BITS - 1, quads)


def _bits(quads: tirx.Expr, bytes_: int) -> tirx.Expr:
    return _splat(bytes_ * _BYTE_BITS, quads)


def _splat(value: int, like: tirx.Expr, dtype: str = "int32") -> tirx.Expr:
    lanes, one = _lanes(like), tirx.const(value, dtype)
    return tirx.Broadcast(one, lanes) if lanes > 1 else one


_SIGNS: dict[
    str, tuple[Callable[[tirx.Expr, int], tirx.Expr], Callable[[tirx.Expr, int], tirx.Expr]]
] = {
    DOTS["int8", "int8"]: (_signed_byte, _signed_byte),
    DOTS["uint8", "int8"]: (_unsigned_byte, _signed_byte),
}
