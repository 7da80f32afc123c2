"""How does a network of the zoo become an ExecuTorch program for XNNPACK?

It is exported from the PyTorch module, not from ONNX:

python -m bench.runtimes.executorch_convert MODEL.onnx RESULT
"""

from __future__ import annotations

import sys
from pathlib import Path

from bench.models import Model, load_model
from bench.runtimes import conversion
from bench.runtimes.zoo_module import check_zoo, rebuilt


def converted(model: Model) -> Path:
    """The .pte file of a network of the zoo, from the cache or converted now.

    Raises ToolMissing without the package, InputError for another model or one that it cannot
    convert.
    """
    check_zoo(model, ": ExecuTorch's converter takes no ONNX")
    return conversion.converted(
        model, __name__, runtime="ExecuTorch", package="executorch", extra="peers"
    )


def main(model: str, result: str) -> None:
    """Convert in this process; what XNNPACK does not take stays with ExecuTorch's own kernels."""
    import torch
    from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
    from executorch.exir import to_edge_transform_and_lower

    source = load_model(Path(model))
    module = rebuilt(source).eval()
    exported = torch.export.export(module, (torch.zeros(*source.input_shape),))
    lowered = to_edge_transform_and_lower(exported, partitioner=[XnnpackPartitioner()])
    Path(result).write_bytes(lowered.to_executorch().buffer)


if __name__ == "__main__":
    conversion.end_with_parent()
    main(*sys.argv[1:])
