"""What a network's weights were before a run, in a form that a program can ask."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, Literal

Kind = Literal["random", "imagenet", "weights"]


@dataclass(frozen=True)
class Origin:
    """Where a run started.

    `kind`: all weights drawn at random from `seed`; an encoder from ImageNet (`source` names it)
    with a decoder drawn from `seed`; or the weights `source` of a run before. `sha256`: of the
    file, empty where the weights came from the model hub.
    """

    kind: Kind
    seed: int = 0
    source: str = ""
    sha256: str = ""

    @property
    def pretrained_encoder(self) -> bool:
        """Whether the encoder knows images already and should learn more gently."""
        return self.kind == "imagenet"

    def to_dict(self) -> dict[str, Any]:
        """As plain values, for records and checkpoints; without what is empty."""
        values = asdict(self)
        if self.kind == "weights":
            del values["seed"]
        return {key: value for key, value in values.items() if value != ""}


def origin_of(values: dict[str, Any]) -> Origin:
    """The origin in a record or checkpoint."""
    return Origin(**values)


def phrase(values: dict[str, Any]) -> str:
    """An origin as a person reads it."""
    origin = origin_of(values)
    if origin.kind == "random":
        return f"random, seed {origin.seed}"
    source = origin.source + (f" ({origin.sha256[:12]})" if origin.sha256 else "")
    if origin.kind == "weights":
        return source
    return f"ImageNet encoder {source}, random decoder, seed {origin.seed}"
