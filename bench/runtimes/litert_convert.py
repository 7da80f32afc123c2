"""How does a network of the zoo become a .tflite file?

Google's converter takes the PyTorch module, not ONNX:

python -m bench.runtimes.litert_convert MODEL.onnx RESULT
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench.models import Model, load_model
from bench.runtimes import conversion
from bench.runtimes.zoo_module import check_zoo, rebuilt


def converted(model: Model) -> Path:
    """The .tflite file of a network of the zoo, from the cache or converted now.

    Raises ToolMissing without the converter, InputError for another model or one that it cannot
    convert.
    """
    check_zoo(model, ": LiteRT's converter takes no ONNX")
    return conversion.converted(
        model, __name__, runtime="LiteRT", package="litert-torch", extra="litert"
    )


def main(model: str, result: str) -> None:
    """Convert in this process."""
    import litert_torch
    import torch

    source = load_model(Path(model))
    example = (torch.zeros(*source.input_shape),)
    litert_torch.convert(rebuilt(source).eval(), example).export(result)


if __name__ == "__main__":
    conversion.end_with_parent()
    main(*sys.argv[1:])
