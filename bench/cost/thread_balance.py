"""How evenly an artefact's instructions are shared among its threads, on an emulated A76."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from bench.cost.counting.library import read_library
from bench.cost.counting.symbols import SHARED, Kernels
from bench.cost.inference_cost import count_artefact
from depthbench.errors import InputError
from depthbench.progress import Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from compile.artefact import Artefact


@dataclass(frozen=True)
class KernelBalance:
    """Instructions of a kernel by thread; the first is the caller, which runs what is serial."""

    name: str
    instructions: tuple[float, ...]

    @property
    def balance(self) -> float:
        """The mean of the threads' instructions over the most of one: 1 where all have as many."""
        return sum(self.instructions) / (len(self.instructions) * max(self.instructions))

    @property
    def waiting(self) -> float:
        """Instructions that the other threads could run while the busiest still runs."""
        return len(self.instructions) * max(self.instructions) - sum(self.instructions)


@dataclass(frozen=True)
class Balance:
    """Kernels, those that the threads wait for the most first.

    What the runtime itself does is left out: its threads spin while they wait.
    """

    threads: int
    kernels: tuple[KernelBalance, ...]

    @property
    def balance(self) -> float:
        """Instructions over those of the busiest thread of each kernel, times the threads: 1 is
        even, and 1 / threads serial."""
        busiest = sum(max(kernel.instructions) for kernel in self.kernels)
        return sum(sum(kernel.instructions) for kernel in self.kernels) / (self.threads * busiest)

    def to_dict(self) -> dict[str, Any]:
        """For JSON."""
        kernels = [{**asdict(one), "balance": one.balance} for one in self.kernels]
        return {"threads": self.threads, "balance": self.balance, "kernels": kernels}


def measure_balance(
    artefact: Artefact,
    inputs: Mapping[str, NDArray],
    progress: Progress = lambda line: None,
) -> Balance:
    """The balance of one inference of an arm64 artefact on the threads that it was compiled for.

    The model runs once for each of them. Raises what `inference_cost.count_artefact` does,
    InputError for an artefact of one thread, ToolMissing where QEMU loads no plugins.
    """
    threads = int(artefact.manifest["threads"])
    if threads < 2:
        raise InputError(
            f"{artefact.folder}: compiled for one thread, which has nothing to share",
            advice="compile it with --threads 2",
        )
    found = []
    for thread in range(threads):
        progress(f"counting instructions of thread {thread + 1} of {threads}")
        counted = count_artefact(artefact, inputs, threads=threads, thread=thread)
        found.append(counted.by_owner())
    kernels = {SHARED, *Kernels(read_library(artefact.library)).names}
    return balance_of([{n: i for n, i in one.items() if n in kernels} for one in found])


def balance_of(found: Sequence[Mapping[str, float]]) -> Balance:
    """The balance of threads of which each ran so many instructions of each kernel."""
    names = dict.fromkeys(name for one in found for name in one)
    kernels = [KernelBalance(name, tuple(one.get(name, 0.0) for one in found)) for name in names]
    kernels.sort(key=lambda kernel: (-kernel.waiting, kernel.name))
    return Balance(len(found), tuple(kernels))
