"""A model in another runtime's format: from the cache, or made now by a process of its own.

Converters change logging, the environment and registries where they are imported, print on
stdout, and crash: they are not let into this process. The other one is started as

python -m bench.runtimes.conversion MODULE FUNCTION MODEL.onnx RESULT
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.models import Model
from bench.runtimes.declaration import Preparation
from bench.runtimes.zoo_module import check_zoo
from depthbench.errors import InputError, ToolMissing
from depthbench.files import cache_folder, make_folder
from depthbench.guard import end_with_parent
from depthbench.processes import run_program

CONVERSION_S = 1200


@dataclass(frozen=True)
class Converter:
    """Converts models for the runtime that messages call `runtime`, and keeps the results.

    `write`, a function of a module, takes the ONNX file and the path of the result. `package` is
    the PyPI name of the converter, `install` the command that installs it. `takes_onnx` is False
    where it converts the PyTorch module instead, which only networks of the zoo have.
    """

    runtime: str
    write: Callable[[Path, Path], None]
    package: str
    install: str
    takes_onnx: bool = True

    def __call__(self, model: Model, preparation: Preparation | None = None) -> Path:
        """The converted model, from the cache or made now.

        Raises ToolMissing without the package, InputError for a model that it cannot convert.
        """
        if not self.takes_onnx:
            check_zoo(model, why=f"{self.runtime}'s converter takes no ONNX")
        folder = cache_folder() / self.runtime.lower()
        made_of = hashlib.sha256(f"{model.sha256} {self._version()}".encode()).hexdigest()[:16]
        result = folder / f"{model.name}-{made_of}.{self.runtime.lower()}"
        if result.is_file():
            return result
        make_folder(folder)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".unfinished-") as scratch:
            fresh = Path(scratch) / result.name
            self._run(model, fresh)
            fresh.replace(result)
        return result

    def _version(self) -> str:
        try:
            return importlib.metadata.version(self.package)
        except importlib.metadata.PackageNotFoundError as error:
            raise ToolMissing(
                f"{self.runtime}'s converter is not installed",
                advice=self.install,
            ) from error

    def _run(self, model: Model, result: Path) -> None:
        function = [self.write.__module__, self.write.__name__]
        command = [sys.executable, "-m", __name__, *function, str(model.path.absolute())]
        problem = f"{self.runtime} cannot convert {model.name}"
        limit = CONVERSION_S
        done = run_program([*command, str(result)], problem, failure=InputError, timeout_s=limit)
        if not result.is_file():
            raise InputError(f"{problem}: {done.reason}")


def main(module: str, function: str, model: str, result: str) -> None:
    """Convert in this process, which ends with the one that started it."""
    end_with_parent()
    getattr(importlib.import_module(module), function)(Path(model), Path(result))


if __name__ == "__main__":
    main(*sys.argv[1:])
