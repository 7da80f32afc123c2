"""How does an ONNX file become MNN's?

python -m bench.runtimes.mnn_convert MODEL.onnx RESULT
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench.models import Model
from bench.runtimes import conversion


def converted(model: Model) -> Path:
    """MNN's file of a model, from the cache or converted now.

    Raises ToolMissing without the package, InputError for a model that it cannot convert.
    """
    return conversion.converted(model, __name__, runtime="MNN", package="MNN", extra="peers")


def main(model: str, result: str) -> None:
    """Convert in this process, weights in fp32."""
    # The compiled module, not MNN.tools.mnnconvert: that one installs packages with pip where it
    # is imported, and reports what it converts to its makers.
    import _tools

    _tools.mnnconvert(
        ["mnnconvert", "-f", "ONNX", "--modelFile", model, "--MNNModel", result, "--bizCode", "-"]
    )


if __name__ == "__main__":
    conversion.end_with_parent()
    main(*sys.argv[1:])
