"""The file that says what one's own model gave, cost and took when it was last found good."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bench.gates.baseline import RESTORE, heading, networks_are_whole, read_document, write_document
from bench.gates.figure import GATES
from bench.gates.graph_difference import GraphPrint
from depthbench.errors import InputError

SCHEMA = "depthbench.model-baseline/2"
HEADING = ("schema", "date", "reason", "git", "tools")

Milliseconds = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class _Closed(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class AccuracyPart(_Closed):
    """How the model is used, on which images, and what it gave."""

    card: dict[str, Any]
    protocol: str
    data: str
    split: str
    images: int
    network: dict[str, Any] = Field(description="Its snapshot, as of the accuracy gate.")


class InstructionsPart(_Closed):
    """What one inference cost on an emulated Cortex-A76."""

    target: str
    precision: str
    inputs: dict[str, list[int]]
    instructions: int = Field(gt=0)
    kernels: dict[str, int]
    est_cycles: int | None = None
    estimate: dict[str, Any] | None = None


class PastRun(BaseModel):
    """A valid latency: its times, and what records are compared by, in its place."""

    model_config = ConfigDict(extra="allow", strict=True)

    id: str
    time: str
    p50_ms: Milliseconds
    p90_ms: Milliseconds


class ModelBaseline(_Closed):
    """What a baseline holds of a model; None for a gate that was left out."""

    model: str = Field(description="Its name.")
    graph: GraphPrint
    accuracy: AccuracyPart | None = None
    instructions: InstructionsPart | None = None
    latency: list[PastRun] | None = None

    @property
    def gates(self) -> tuple[str, ...]:
        """Those that it is for."""
        return tuple(name for name in GATES if getattr(self, name) is not None)


def write_model_baseline(path: Path, baseline: ModelBaseline, reason: str) -> None:
    """Write it to `path`, whole or not at all, with date, commit and reason.

    Raises InputError for an empty reason.
    """
    told = baseline.model_dump(exclude_none=True)
    write_document(path, {**heading(SCHEMA, reason), **told})


def read_model_baseline(path: Path) -> tuple[dict[str, Any], ModelBaseline]:
    """When and why it was written, and what it holds; InputError, in one line, for others."""
    document = read_document(path, SCHEMA)
    about = {key: document.pop(key, None) for key in HEADING}
    try:
        baseline = ModelBaseline.model_validate(document)
        texts = isinstance(about["date"], str) and isinstance(about["reason"], str)
        whole = texts and isinstance(about["tools"], dict)
    except ValidationError:
        whole = False
    if not whole or not baseline.gates or not _is_whole(baseline.accuracy):
        raise InputError(f"{path}: parts of the baseline are missing", advice=RESTORE)
    return about, baseline


def _is_whole(part: AccuracyPart | None) -> bool:
    """Whether there are figures, on the data and under the protocol that the part says."""
    if part is None:
        return True
    if not networks_are_whole({"": part.network}):
        return False
    held = {data: list(protocols) for data, protocols in part.network["data"].items()}
    return held == {part.data: [part.protocol]}
