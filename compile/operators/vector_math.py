"""Compute exponentials and their kin in arithmetic that vectorises.

TVM calls the C library for each element of exp, sigmoid, tanh, erf and pow, which costs more than
the convolution before it. Here float32 ones become polynomials, and small whole powers products.
Against the exact functions: exp is within 1e-7 relative, infinite where it is, and zero below
1.7e-38; sigmoid is within 3e-7 absolute, tanh, erf and powers are within 5e-7 relative. NaN stays
NaN.
"""

from __future__ import annotations

from collections.abc import Callable

import tvm
from tvm import tirx
from tvm_ffi import structural_map

from compile.operators.loop_nests import map_loop_nests

# exp(r) for |r| <= ln(2)/2: Cephes, expf. From the highest power to r^2; 1 + r is exact.
_EXP = (1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 0.5)
# ln(2) in two parts, the first exact in few bits.
_LN2_HIGH, _LN2_LOW = 0.693359375, -2.12194440e-4
# Between these, e^x lies between 2^-126, which is taken for zero, and more than any float32.
_LOWEST, _HIGHEST = -87.33654, 89.0
# Of what one is added to, no more matters: 1 / (1 + 2.4e38) is zero for every use.
_ENOUGH = 88.37626
# Adding 1.5 * 2^23 rounds a float to an integer, kept in its low bits.
ROUNDER, ROUNDER_BITS = 12582912.0, 0x4B400000
_ONE_BITS, _HALF_BITS, _MANTISSA_BITS = 0x3F800000, 0x3F000000, 23
# tanh and erf are x P(x^2) / Q(x^2) up to where they are 1: Eigen's rational approximations.
_TANH_END = 7.90531110763549805
_TANH_P = (
    *(-2.76076847742355e-16, 2.00018790482477e-13, -8.60467152213735e-11, 5.12229709037114e-08),
    *(1.48572235717979e-05, 6.37261928875436e-04, 4.89352455891786e-03),
)
_TANH_Q = (1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03)
_ERF_END = 4.0
_ERF_P = (
    *(-2.72614225801306e-10, 2.77068142495902e-08, -2.10102402082508e-06, -5.69250639462346e-05),
    *(-7.34990630326855e-04, -2.95459980854025e-03, -1.60960333262415e-02),
)
_ERF_Q = (
    *(-1.45660718464996e-05, -2.13374055278905e-04, -1.68282697438203e-03, -7.37332916720468e-03),
    -1.42647390514189e-02,
)
# Powers that a few products give to a few roundings.
_WHOLE_POWERS = range(2, 9)


def vector_math(mod: tvm.IRModule) -> tvm.IRModule:
    """The module with its float32 exponentials as polynomials, in every loop nest."""
    return map_loop_nests(mod, _rewritten)


def rounded(value: tirx.Expr, *, plus: int = 0) -> tirx.Expr:
    """The nearest int32 of float32 lanes below 2^22 in size, halves to even, plus a number."""
    lanes = int(value.ty.dtype.lanes)
    whole = "int32" if lanes == 1 else f"int32x{lanes}"
    bits = tirx.const(ROUNDER_BITS - plus, "int32")
    return tirx.reinterpret(whole, value + _number(ROUNDER)) - bits


def _rewritten(function: tirx.PrimFunc) -> tirx.PrimFunc:
    body = structural_map(function.body, (tvm.ir.Call, _replaced))
    return function if body.same_as(function.body) else function.with_body(body)


def _replaced(call: tvm.ir.Call) -> tirx.Expr:
    name = getattr(call.op, "name", "")
    if name == "tirx.pow" and str(call.ty) == "float32":
        return _power(call)
    if name not in _FUNCTIONS or str(call.ty) != "float32":
        return call
    return _bound(call.args[0], _FUNCTIONS[name])


def _bound(value: tirx.Expr, use: Callable[[tirx.Expr], tirx.Expr]) -> tirx.Expr:
    """`use(value)`, with the value computed once."""
    variable = tirx.Var("t", "float32")
    return tirx.Let(variable, value, use(variable))


def _number(value: float) -> tirx.Expr:
    return tirx.const(value, "float32")


def _polynomial(x: tirx.Expr, coefficients: tuple[float, ...]) -> tirx.Expr:
    """Horner's rule, highest power first."""
    result = _number(coefficients[0])
    for coefficient in coefficients[1:]:
        result = result * x + _number(coefficient)
    return result


def _exp(x: tirx.Expr) -> tirx.Expr:
    def twice(rest: tirx.Expr) -> tirx.Expr:
        return _polynomial(rest, tuple(2 * one for one in (*_EXP, 1.0, 1.0)))

    # Half the power of two is a float32 where the power is not: at 2^128.
    return _split(x, _HIGHEST, twice, _HALF_BITS)


def _sigmoid(x: tirx.Expr) -> tirx.Expr:
    def once(rest: tirx.Expr) -> tirx.Expr:
        return _polynomial(rest, _EXP) * rest * rest + rest + 1.0

    return _number(1.0) / (_split(-x, _ENOUGH, once, _ONE_BITS) + 1.0)


def _split(
    x: tirx.Expr, highest: float, of_rest: Callable[[tirx.Expr], tirx.Expr], power_bits: int
) -> tirx.Expr:
    """e^x up to e^highest, as `of_rest(r)` times a power of two, 2^0 having `power_bits`."""

    def of_rounded(bounded: tirx.Expr, rounded: tirx.Expr) -> tirx.Expr:
        power = rounded - ROUNDER
        rest = bounded - power * _LN2_HIGH - power * _LN2_LOW
        bits = tirx.reinterpret("int32", rounded) << tirx.const(_MANTISSA_BITS, "int32")
        scale = tirx.reinterpret("float32", bits + tirx.const(power_bits, "int32"))
        return _bound(rest, lambda r: of_rest(r) * scale)

    # Comparisons that are false for NaN let it through.
    bounded = tirx.Select(x > highest, _number(highest), x)
    bounded = tirx.Select(x < _LOWEST, _number(_LOWEST), bounded)
    return _bound(
        bounded, lambda t: _bound(t * 1.44269504 + ROUNDER, lambda rounded: of_rounded(t, rounded))
    )


def _tanh(x: tirx.Expr) -> tirx.Expr:
    return _odd_quotient(x, _TANH_END, _TANH_P, _TANH_Q)


def _erf(x: tirx.Expr) -> tirx.Expr:
    return _odd_quotient(x, _ERF_END, _ERF_P, _ERF_Q)


def _odd_quotient(
    x: tirx.Expr, end: float, above: tuple[float, ...], below: tuple[float, ...]
) -> tirx.Expr:
    # Comparisons that are false for NaN let it through.
    bounded = tirx.Select(x > end, _number(end), x)
    bounded = tirx.Select(x < -end, _number(-end), bounded)
    return _bound(
        bounded,
        lambda t: _bound(t * t, lambda z: t * _polynomial(z, above) / _polynomial(z, below)),
    )


def _power(call: tvm.ir.Call) -> tirx.Expr:
    """A product, where the exponent is a small whole number."""
    base, exponent = call.args
    if not isinstance(exponent, tirx.FloatImm) or exponent.value not in _WHOLE_POWERS:
        return call
    return _bound(base, lambda x: _product(x, int(exponent.value)))


def _product(x: tirx.Expr, count: int) -> tirx.Expr:
    if count == 1:
        return x
    half = _bound(_product(x, count // 2), lambda y: y * y)
    return half * x if count % 2 else half


_FUNCTIONS: dict[str, Callable[[tirx.Expr], tirx.Expr]] = {
    "tirx.exp": _exp,
    "tirx.sigmoid": _sigmoid,
    "tirx.tanh": _tanh,
    "tirx.erf": _erf,
}
