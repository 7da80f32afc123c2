"""ONNX Runtime as what is compiled is computed and judged by."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from onnxruntime import InferenceSession


def onnxruntime_session(model: str | bytes, *, optimised: bool = True) -> InferenceSession:
    """The model, a path or a file's content, on one thread of the CPU, without a word.

    Raises ONNX Runtime's own exceptions, which have no common base, for what it cannot run.
    """
    import onnxruntime

    # Its operators warn by another logger than the session's.
    onnxruntime.set_default_logger_severity(4)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = 1
    if not optimised:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
