"""The runtimes that run in a Python for arm64: what each needs, and in which precisions."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from bench.models import Model
from bench.runtimes import registry
from bench.runtimes.declaration import Preparation
from depthbench.errors import InputError, ToolMissing
from depthbench.progress import Progress

OURS = "tvm"


@dataclass(frozen=True)
class Peer:
    """`packages` of PyPI that it imports, and the `precisions` that a model can be in there.

    fp16 is one that it takes an fp32 model to by itself.
    """

    packages: tuple[str, ...]
    precisions: tuple[str, ...]


PEERS = {
    "onnxruntime": Peer(("numpy", "onnxruntime"), ("fp32", "int8")),
    "ncnn": Peer(("numpy", "ncnn"), ("fp32", "fp16")),
    "litert": Peer(("numpy", "ai-edge-litert"), ("fp32",)),
    "mnn": Peer(("numpy", "MNN"), ("fp32", "fp16")),
}
NAMES = (OURS, *PEERS)


class Setting(NamedTuple):
    """A runtime in one precision: a row of a comparison.

    `own` says that the precision is the model's; any other one is the runtime's best.
    """

    runtime: str
    precision: str
    own: bool = True

    @property
    def name(self) -> str:
        """The runtime's, with the precision behind it where that is not the model's."""
        return self.runtime if self.own else f"{self.runtime}-{self.precision}"


def choose(which: str) -> list[str]:
    """The runtimes that `which` names: `all` that run in such a Python, or names with commas.

    Raises InputError for one that is unknown or does not.
    """
    if which == "all":
        return list(NAMES)
    names = registry.choose(which)
    if other := [name for name in names if name not in NAMES]:
        raise InputError(
            f"{', '.join(other)} cannot be run on devices", advice=f"give some of {','.join(NAMES)}"
        )
    return names


def settings_of(names: Iterable[str], precision: str) -> list[Setting]:
    """Each runtime in the model's `precision` and, where that is fp32, in fp16 if it has it."""
    rows = []
    for name in names:
        rows.append(Setting(name, precision))
        able = ("fp32", "fp16") if name == OURS else PEERS[name].precisions
        if precision == "fp32" and "fp16" in able:
            rows.append(Setting(name, "fp16", own=False))
    return rows


def tolerance_of(setting: Setting, own: float) -> float:
    """How far its outputs may differ, where in the model's own precision that is `own`."""
    from compile import precision

    return own if setting.own else precision.get(setting.precision).tolerance


def version_of(runtime: str) -> str:
    """The version of the runtime that is installed here, which is that of its wheel for arm64."""
    return version("apache-tvm" if runtime == OURS else PEERS[runtime].packages[-1])


def check_precision(setting: Setting) -> None:
    """Raise InputError unless the peer runs models in that precision."""
    able = PEERS[setting.runtime].precisions
    if setting.precision not in able:
        raise InputError(
            f"{setting.runtime} is measured in {', '.join(able)}, not {setting.precision}"
        )


def converted(peer: str, model: Model, folder: Path, progress: Progress) -> Path:
    """The model in the peer's own format: a file, or for ncnn `folder` with its two.

    Raises InputError where the peer does not take the model, ToolMissing without its converter.
    """
    if peer != "ncnn":
        convert = registry.find(peer).convert
        return convert(model, Preparation(folder, progress=progress)) if convert else model.path
    from bench.runtimes.ncnn_cpu import convert as convert_to_ncnn

    try:
        import pnnx
    except ImportError as error:
        raise ToolMissing("ncnn's converter is not installed", advice="pip install pnnx") from error
    param, weights = convert_to_ncnn(Path(pnnx.EXEC_PATH), model.path, folder)
    param.rename(folder / "model.param")
    weights.rename(folder / "model.bin")
    return folder
