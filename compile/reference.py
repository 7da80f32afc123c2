"""A model's file on ONNX Runtime, as what a compiled model is judged by."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Literal

import numpy as np

from compile.onnx import model_file
from compile.onnx.checked_model import Model
from compile.onnx.folding.onnxruntime_session import onnxruntime_session
from depthbench.errors import InputError
from depthbench.one_line import one_line

# Of a weight: what the results of one layer in fp32 differ by when sums are added in another order.
ROUNDING = 1e-6
# The largest of fp16: half a step, relative to what is rounded.
HALF_ROUNDING = 2.0**-11
Form = Literal["given", "plain", "nudged", "rounded", "halved", "wide", "unrounded"]


class Reference:
    """A model's file on ONNX Runtime, on one thread.

    Of its forms `given` is the file as it was given, with the optimisations of ONNX Runtime's
    default; `plain` is without them, `nudged` with fp32 weights off by about a rounding, `rounded`
    with a rounding more after every node, others for each seed, `halved` with one to fp16, `wide`
    an fp16 file in fp32 arithmetic, `unrounded` a quantised one that rounds nothing it computes to
    integers.

    Raises InputError, in one line, for what ONNX Runtime cannot run.
    """

    def __init__(self, model: Model, form: Form = "given", seed: int = 0) -> None:
        self._model = model
        try:
            made: dict[Form, Callable[[Model], str | bytes]] = {
                "nudged": _nudged,
                "rounded": partial(_rounded, size=ROUNDING, seed=seed),
                "halved": partial(_rounded, size=HALF_ROUNDING, seed=seed),
                "wide": _wide,
                "unrounded": _unrounded,
            }
            source = made.get(form, _given)(model)
            optimised = form not in ("plain", "rounded", "halved")
            self._session = onnxruntime_session(source, optimised=optimised)
        except Exception as error:  # ONNX Runtime's own exceptions have no common base
            raise self._cannot_run(error) from error

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The outputs by name, for inputs by name."""
        try:
            values = self._session.run(list(self._model.outputs), dict(inputs))
        except Exception as error:
            raise self._cannot_run(error) from error
        return dict(zip(self._model.outputs, map(np.asarray, values), strict=True))

    def _cannot_run(self, error: Exception) -> InputError:
        return InputError(
            f"{self._model.path}: ONNX Runtime cannot run this model, so the result cannot be "
            f"checked: {one_line(error)}"
        )


def _given(model: Model) -> str:
    return str(model.path)


def _nudged(model: Model) -> bytes:
    """The file's content with other weights; short lists, which may be sizes, stay."""
    from onnx import TensorProto, numpy_helper

    proto = model_file.read(model.path).proto
    generator = np.random.default_rng(0)
    for tensor in proto.graph.initializer:
        if tensor.data_type == TensorProto.FLOAT and (len(tensor.dims) != 1 or tensor.dims[0] > 8):
            value = numpy_helper.to_array(tensor)
            factors = 1 + ROUNDING * generator.standard_normal(value.shape, np.float32)
            tensor.CopyFrom(numpy_helper.from_array(value * factors, tensor.name))
    return bytes(proto.SerializeToString())


def _rounded(model: Model, size: float, seed: int) -> bytes:
    import onnx.inliner

    from compile.onnx.roundings import add_roundings

    shapes = {port.name: port.shape for port in model.inputs}
    proto = onnx.inliner.inline_local_functions(model_file.read(model.path, shapes).proto)
    add_roundings(proto, size, seed)
    return bytes(proto.SerializeToString())


def _wide(model: Model) -> bytes:
    """The file's content with its insides in fp32."""
    import onnx.inliner

    from compile.onnx.repairs import remove_defaults
    from compile.onnx.widening import widen

    proto = onnx.inliner.inline_local_functions(model_file.read(model.path).proto)
    remove_defaults(proto.graph)
    widen(proto)
    return bytes(proto.SerializeToString())


def _unrounded(model: Model) -> bytes:
    """The file's content without roundings to integers; InputError where it has none to leave out.

    Those of QDQ form are left out.
    """
    from compile.onnx.unrounded import leave_out_roundings

    proto = model_file.read(model.path).proto
    if not leave_out_roundings(proto):
        raise InputError(f"{model.path}: nothing is quantised and dequantised by one scale")
    return bytes(proto.SerializeToString())
