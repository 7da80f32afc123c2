"""How does a network of the zoo become a .tflite file?

Google's converter takes the PyTorch module, not ONNX. It changes logging, the environment and
PyTorch's registries where it is imported, and prints on stdout, so that it gets its own process:

python -m bench.runtimes.litert_convert MODEL.onnx RESULT.tflite
"""

from __future__ import annotations

import hashlib
import importlib.metadata
import subprocess
import sys
import tempfile
from pathlib import Path

from bench.errors import InputError, ToolMissing
from bench.models import Model, load_model
from bench.runtimes.rebuilt import rebuilt

CONVERSION_S = 1200


def converted(model: Model) -> Path:
    """The .tflite file of a network of the zoo, from the cache or converted now.

    Raises ToolMissing without the converter, InputError for another model or one that it cannot
    convert.
    """
    from android_rpc.cache import cache_folder
    from depthnet import zoo

    try:
        version = importlib.metadata.version("litert-torch")
    except importlib.metadata.PackageNotFoundError as error:
        raise ToolMissing(
            "LiteRT's converter is not installed: pip install 'depthbench[litert]'"
        ) from error
    if model.metadata.get("name") not in zoo.names():
        raise InputError(f"{model.path} is no network of the zoo: LiteRT's converter takes no ONNX")
    made_of = hashlib.sha256(f"{model.sha256} {version}".encode()).hexdigest()[:16]
    result = cache_folder() / "litert" / f"{model.name}-{made_of}.tflite"
    if result.is_file():
        return result
    result.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=result.parent, prefix=".unfinished-") as folder:
        fresh = Path(folder) / result.name
        command = [sys.executable, "-m", __name__, str(model.path.absolute()), str(fresh)]
        try:
            done = subprocess.run(
                command, capture_output=True, text=True, timeout=CONVERSION_S, check=False
            )
        except subprocess.TimeoutExpired:
            raise InputError(f"LiteRT cannot convert {model.name} in {CONVERSION_S} s") from None
        if done.returncode or not fresh.is_file():
            last = (done.stderr or done.stdout).strip().splitlines()[-1:] or ["no reason given"]
            raise InputError(f"LiteRT cannot convert {model.name}: {last[0][:300]}")
        fresh.replace(result)
    return result


def main(model: str, result: str) -> None:
    """Convert in this process."""
    import litert_torch
    import torch

    source = load_model(Path(model))
    example = (torch.zeros(*source.input_shape),)
    litert_torch.convert(rebuilt(source).eval(), example).export(result)


if __name__ == "__main__":
    main(*sys.argv[1:])
