"""From an ONNX model to the folder of a package."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from compile import interrupt, targets
from compile.artefact import replacing
from compile.cache_key import cache_key
from compile.listed_files import sha256_of
from compile.observer import Observer
from compile.onnx import model_file
from compile.package import toolchain
from compile.package.bindings.bindings import check_tools
from compile.package.image import ImageInput
from compile.package.manifest_file import Package, is_package, up_to_date, write_manifest
from compile.package.toolchain import Platform
from compile.precision import FP32, Precision, for_target
from compile.records.tuned_choices import with_choices
from compile.targets import Target
from depthbench.errors import InputError
from depthbench.progress import Progress

if TYPE_CHECKING:
    from compile.compiled import Compiled
    from compile.host_twin import HostTwin
    from compile.onnx.checked_model import Model

API_VERSION = 1
WeightsIn = Literal["library", "file"]


def package_model(
    model: Path,
    platform: str,
    output: Path,
    *,
    name: str | None = None,
    precision: str = FP32.name,
    threads: int = 1,
    input_shapes: Mapping[str, Sequence[int]] | None = None,
    card: Mapping[str, Any] | None = None,
    image: ImageInput | None = None,
    weights: WeightsIn = "library",
    tuned: Sequence[Path] | None = (),
    progress: Progress = lambda line: None,
    force: bool = False,
) -> Package:
    """Compile the ONNX file `model` for the platform called `platform` into the package `output`.

    The platform is arm64-android, arm64-linux or host. `image` is how `depth_run_frame` makes the
    input, None where the network takes no image. `weights` go into the library or into a file
    beside it. All else is as in `compile.pipeline.compile_model`, and so is what is raised; an
    InputError also for a model that needs TVM's runtime in an inference.
    """
    system = toolchain.get(platform)
    check_tools(system)
    machine = with_choices(targets.get(system.target, threads), tuned)
    numbers = for_target(precision, machine)
    observer = Observer(progress)
    observer.begin("reading the model")
    file = model_file.read(model, input_shapes)
    key = {
        **cache_key(file, machine, numbers, name, card),
        "package": {
            "platform": platform,
            "api": API_VERSION,
            "weights": weights,
            "image": image.to_dict() if image else None,
            "library_sha256": library_sha256(),
        },
    }
    if not force and (old := up_to_date(output, key)):
        return old

    from compile.host_twin import HostTwin
    from compile.onnx.checked_model import check_model
    from compile.pipeline import generate

    source = check_model(file)
    with (
        replacing(output.absolute(), is_package, "a package") as folder,  # zig runs elsewhere
        tempfile.TemporaryDirectory(prefix="depthbench-package-") as work,
        interrupt.restored(),
        HostTwin(machine) as twin,
    ):
        compiled = generate(source, machine, numbers, observer, twin.build)
        observer.begin("linking")
        maker = _Maker(source, compiled, system, machine, numbers, image, weights, Path(work))
        identity = maker.write(folder, key)
        observer.begin("checking against ONNX Runtime")
        check = maker.check(folder, twin)
        manifest = write_manifest(folder, identity, check)
    return Package(output, manifest)


def library_name(name: str) -> str:
    """The name of a network as files and programs have it: letters, digits and underscores."""
    return re.sub(r"\W", "_", name, flags=re.ASCII)


@cache
def library_sha256() -> str:
    """The hash of what packages are made of and by, beside the compiler."""
    digest = hashlib.sha256()
    folder = Path(__file__).parent
    for file in sorted(folder.rglob("*")):
        if file.is_file() and "__pycache__" not in file.parts:
            digest.update(f"{file.relative_to(folder)}\n".encode() + file.read_bytes())
    return digest.hexdigest()


class _Maker:
    """Writes the libraries of one package, and checks them."""

    def __init__(
        self,
        source: Model,
        compiled: Compiled,
        platform: Platform,
        machine: Target,
        numbers: Precision,
        image: ImageInput | None,
        weights: WeightsIn,
        work: Path,
    ) -> None:
        self._source, self._compiled, self._platform = source, compiled, platform
        self._machine, self._numbers, self._image = machine, numbers, image
        self._weights, self._work = weights, work

    def write(self, folder: Path, key: dict[str, Any]) -> dict[str, Any]:
        """The package's files but its manifest; returns what the library says of itself."""
        from compile.lowering.build import write_library
        from compile.package.bindings.bindings import write_bindings
        from compile.package.bindings.jni_library import compile_jni
        from compile.package.cpu_features import cpu_features
        from compile.package.kernels import workspace_bytes, write_kernels
        from compile.package.network_source import MAX_RANK, TYPES, network_source
        from compile.package.plan import plan_of
        from compile.package.record_data import record_data_source
        from compile.package.shared_library import check_symbols, link_shared
        from compile.package.static_library import link_static
        from compile.package.weights import write_weights

        where = str(self._source.path)
        ports = [*self._source.inputs, *self._compiled.outputs]
        for port in ports:
            if port.dtype not in TYPES or len(port.shape) > MAX_RANK:
                raise InputError(
                    f"{where}: {port.name!r} is {port.dtype} of {len(port.shape)} axes, which a "
                    "package does not take"
                )
        plan = plan_of(self._compiled.planned, where)
        kernels = write_kernels(self._compiled.executable, self._work)
        artefact = self._work / "model.so"
        write_library(self._compiled.executable, artefact)
        name = library_name(key["name"])
        inside = self._weights == "library"
        blob = self._work / "weights" if inside else folder / "lib" / f"{name}.weights"
        identity = {
            **key,
            "library": name,
            "inputs": [port.to_dict() for port in self._source.inputs],
            "outputs": [port.to_dict() for port in self._compiled.outputs],
            "artefact_sha256": sha256_of(artefact),
        }
        (folder / "lib").mkdir()
        (folder / "include").mkdir()
        header = (toolchain.SOURCES / "depth.h").read_bytes()
        (folder / "include" / "depth.h").write_bytes(header)
        generated = self._work / "network.c"
        generated.write_text(
            network_source(
                key["name"],
                identity,
                self._source.inputs,
                self._compiled.outputs,
                plan,
                write_weights(plan, blob, inside=inside),
                threads=self._machine.threads,
                workspace_bytes=workspace_bytes(
                    self._compiled.executable, self._machine.threads, where
                ),
                cpu_features=cpu_features(self._platform),
                image=self._image,
            )
        )
        data = self._work / "record_data.c"
        expected = self._outputs_for_zeros()
        memory, tolerance = self._compiled.memory.to_dict(), self._numbers.tolerance
        data.write_text(
            record_data_source(identity, expected, tolerance, artefact.stat().st_size, memory)
        )
        sources = [generated, data, *sorted(toolchain.SOURCES.glob("*.c"))]
        objects = [
            toolchain.compile_source(one, self._platform, self._work / f"{one.stem}.o")
            for one in sources
        ]
        needed = check_symbols(objects, kernels, where)
        objects += kernels
        shared = folder / "lib" / f"lib{name}.so"
        jni = compile_jni(name, self._platform, self._work)
        link_shared([*objects, jni], needed, self._platform, shared, self._work)
        link_static(objects, shared.with_suffix(".a"), self._work)
        write_bindings(folder, name, self._platform)
        return identity

    def _outputs_for_zeros(self) -> list[Any]:
        """ONNX Runtime's outputs for what a benchmark runs on, in order."""
        import numpy as np

        from compile.reference import Reference

        zeros = {port.name: np.zeros(port.shape, port.dtype) for port in self._source.inputs}
        outputs = Reference(self._source).run(zeros)
        return [outputs[port.name] for port in self._compiled.outputs]

    def check(self, folder: Path, twin: HostTwin) -> dict[str, Any]:
        """Compare with ONNX Runtime: the library itself, here or under emulation.

        Without an emulator, arm64 code is checked by a build of its schedules for this machine.
        """
        from compile.package.package_check import check_emulated, check_here

        if self._machine.runs_here:
            return check_here(self._source, folder, self._numbers)
        library, outputs = self._work / "model.so", self._compiled.outputs
        found = twin.check(self._source, self._compiled, library, self._numbers)
        emulated = check_emulated(self._source, outputs, folder, found, self._numbers, self._work)
        return {**found, "emulated": emulated}
