"""An input or output of a model."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Port:
    """Its name, its shape with 0 for an edge that is left open, and its type as numpy's name.

    `shape` is empty where the file does not give one.
    """

    name: str
    shape: tuple[int, ...]
    dtype: str

    def __str__(self) -> str:
        shape = "x".join(str(edge or "?") for edge in self.shape) or "unknown shape"
        return f"{self.name!r} ({shape} {self.dtype})"
