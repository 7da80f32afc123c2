from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import tvm
from scipy import special
from tvm import te, tirx

from compile import targets
from compile.operators.vector_math import vector_math

COUNT = 1 << 14
FUNCTIONS = {"exp": np.exp, "sigmoid": special.expit, "tanh": np.tanh, "erf": special.erf}
RELATIVE = {"exp": 1e-7, "tanh": 6e-7, "erf": 7e-7}


def compiled(name: str, *operands: float) -> Callable[[np.ndarray], np.ndarray]:
    """The rewritten function, vectorised, over COUNT floats; `operands` follow each of them."""
    more = [tirx.const(value, "float32") for value in operands]
    x = te.placeholder((COUNT,), name="x")
    y = te.compute((COUNT,), lambda i: getattr(tirx, name)(x[i], *more), name="y")
    schedule = tvm.s_tir.Schedule(tvm.IRModule({"main": te.create_prim_func([x, y])}))
    (loop,) = schedule.get_loops("y")
    schedule.vectorize(schedule.split(loop, [None, 8])[1])
    mod = vector_math(schedule.mod)
    assert f"T.{name}(" not in mod.script()
    library = tvm.tirx.build(mod, target=tvm.target.Target(targets.get("host").tvm))

    def run(values: np.ndarray) -> np.ndarray:
        result = tvm.runtime.tensor(np.zeros(COUNT, np.float32))
        library["main"](tvm.runtime.tensor(values), result)
        return result.numpy()

    return run


@pytest.mark.parametrize("name", FUNCTIONS)
def test_close_to_the_exact_function(name: str) -> None:
    run, exact = compiled(name), FUNCTIONS[name]
    for low, high in ((-1e-4, 1e-4), (-1, 1), (-12, 12), (-86.9, 88.7)):
        values = np.linspace(low, high, COUNT, dtype=np.float32)
        wanted = exact(values.astype(np.float64))
        relative, absolute = RELATIVE.get(name, 0), 0 if name in RELATIVE else 5e-7
        np.testing.assert_allclose(run(values), wanted, rtol=relative, atol=absolute)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_ends_and_nan(name: str) -> None:
    values = np.resize(np.array([np.nan, np.inf, -np.inf, 300, -300, 0], np.float32), COUNT)
    result = compiled(name)(values)[:6]
    assert np.isnan(result[0])
    wanted = FUNCTIONS[name](values[1:6].astype(np.float64))
    if name == "exp":
        wanted[2] = np.inf
    np.testing.assert_allclose(result[1:], wanted, atol=1e-6)
    assert result[5] == pytest.approx(FUNCTIONS[name](0.0), abs=2e-7)


@pytest.mark.parametrize("exponent", range(2, 9))
def test_small_whole_powers_are_products(exponent: int) -> None:
    values = np.linspace(-30, 30, COUNT, dtype=np.float32)
    values[:6] = np.nan, np.inf, -np.inf, 1e30, -1e-30, -0.0
    with np.errstate(over="ignore", under="ignore"):
        wanted = (values.astype(np.float64) ** exponent).astype(np.float32)
    found = compiled("pow", exponent)(values)
    np.testing.assert_allclose(found, wanted, rtol=5e-7, atol=1e-37)


def test_exponentials_end_where_float32_does() -> None:
    """As NumPy's: the last finite one is e^88.7228; what is no normal number may be zero."""
    values = np.linspace(88.6, 88.8, COUNT, dtype=np.float32)
    with np.errstate(over="ignore"):
        wanted = np.exp(values)
    result = compiled("exp")(values)
    np.testing.assert_array_equal(np.isinf(result), np.isinf(wanted))
    assert result[~np.isinf(wanted)].max() > 3.4e38
    small = compiled("exp")(np.linspace(-110, -80, COUNT, dtype=np.float32))
    assert small[0] == 0
    assert (np.diff(small) >= 0).all()
