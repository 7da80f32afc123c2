"""What is asked of a search."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.pruning.budget import Budget
from bench.pruning.search import Pace
from depthbench.errors import InputError
from depthnet import zoo
from depthnet.weights.pretrained import weights_path


@dataclass(frozen=True)
class Request:
    """What is pruned, to what, and on what it learns.

    `what`: a network that ships trained, or a weights file. `held_out`: the share of the data
    that is scored on, whole scenes of it, or with `neighbours` blocks of neighbouring pairs, as
    weights were trained before scenes were told apart. `teachers`: weights files, by default the
    network itself as it was. `epochs`: of the training at the end.
    """

    what: str
    budget: Budget
    precision: str = "fp32"
    data: str = "nyu"
    held_out: float = 0.1
    neighbours: bool = False
    teachers: Sequence[Path] = ()
    pace: Pace = field(default_factory=Pace)
    epochs: int = 20
    seed: int = 0

    def weights(self) -> Path:
        """The weights file that is named, or that ships with the network of this name.

        Raises InputError where there is none.
        """
        path = Path(self.what)
        if path.suffix or path.is_file():
            return path
        entry = zoo.get(self.what)
        if shipped := weights_path(entry.name):
            return shipped
        raise InputError(
            f"{self.what} ships without trained weights, which tell what its channels are worth",
            advice="train it, and name its weights file",
        )

    def command(self) -> list[str]:
        """What does the same again."""
        pace = self.pace
        options = {
            "--budget": self.budget,
            "--precision": self.precision,
            "--data": self.data,
            "--held-out": self.held_out,
            "--step": pace.step,
            "--finalists": pace.finalists,
            "--brief-pairs": pace.pairs,
            "--epochs": self.epochs,
            "--seed": self.seed,
        }
        words = ["depthbench", "prune", self.what]
        words += [str(word) for option in options.items() for word in option]
        words += [word for file in self.teachers for word in ("--teacher", str(file))]
        return words + ["--neighbours"] * self.neighbours
