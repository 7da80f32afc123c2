"""The schema of records, version 1, published as docs/record.schema.json.

A record is one JSON object. Fields beyond these are allowed, and kept.

python -m bench.records.schema > docs/record.schema.json
"""

from __future__ import annotations

import json
from typing import Annotated, Any, Literal

from pydantic import Field, TypeAdapter

from bench.records.depth_kinds import Calibration, Flicker
from bench.records.pruning_kind import Pruning
from bench.records.record_base import SCHEMA, Open, Record

TIMED = ("latency", "emulated cost", "unknown time")
METRICS = ("rmse", "mae", "rel", "log10", "delta1", "delta2", "delta3")

Milliseconds = Annotated[float | None, Field(json_schema_extra={"unit": "ms"})]
Samples = Annotated[
    list[float | None],
    Field(description="Milliseconds of each inference, null for what is no finite time."),
]


class Device(Open):
    """What ran the model."""

    name: str
    emulated: bool | None = Field(None, description="Null where nobody says.")


class Agreement(Open):
    """The outputs beside those of a reference; null or absent where they were not compared."""

    against: str | None = None
    max_relative_difference: float | None = Field(None, description="max|a - b| / max|b|")
    max_abs_difference: float | None = Field(None, description="In the output's unit.")
    reference_std: float | None = Field(None, description="0 when the reference is constant.")
    tolerance: float | None = Field(None, description="The limit of the relative difference.")
    problem: str | None = Field(None, description="Why the outputs could not be compared.")


class Window(Open):
    """A stretch of a sustained run in which inferences ended."""

    start_s: float
    inferences: int
    fps: float | None = Field(description="Inferences by the seconds that they took.")
    max_ms: Milliseconds


class Telemetry(Open):
    """The device over a sustained run: lists of equal length, null for what was not told."""

    seconds: list[float] = Field(description="Since the run began.")
    clocks_mhz: dict[str, list[float | None]] = Field(description="By core.")
    hottest_c: list[float | None] = Field(description="Of all zones.")
    battery_c: list[float | None]


class Energy(Open):
    """Of the whole device, by its battery; or why it is not known."""

    absent: str | None = Field(None, description="Why the energy is not known.")
    per_inference_mj: float | None = Field(None, description="Millijoules.")
    resolution_mj: float | None = Field(None, description="The smallest step seen.")
    mean_power_w: float | None = None
    source: str | None = Field(None, description="The battery's current, or its charge counter.")
    unit: str | None = Field(None, description="The current's, as decided.")
    checked: bool | None = Field(
        None, description="Whether the current adds up to what the charge counter lost."
    )
    readings: int | None = None
    idle_subtracted: bool | None = None


class Sustained(Open):
    """Inferences back to back for a time, after the samples of the record."""

    asked_s: float
    seconds: float = Field(description="How long it lasted.")
    inferences: int = Field(description="Those that were timed.")
    uncounted: int = Field(description="Those that the timer ran without timing them.")
    window_s: float
    windows: list[Window]
    edge_s: float = Field(description="How long `first_fps` and `last_fps` are of.")
    first_fps: float | None
    last_fps: float | None
    last_to_first: float | None = Field(description="The ratio of the two.")
    throttled_at_s: float | None = Field(
        description="When the first of three windows more than 5 % slower than the first began."
    )
    telemetry: Telemetry | None = None
    energy: Energy


class _OfArtefact(Record):
    artefact_sha256: str
    target: str
    card: dict[str, Any] | None = Field(
        None, description="What the artefact says of the model's use; null where it says nothing."
    )
    device: Device
    agreement: Agreement


class _Timed(_OfArtefact):
    source: Literal["shell", "demo", "app"] = Field(
        "shell", description="What timed it: `rpc-measure`, the demo's page, or an app."
    )
    samples_ms: Samples
    sessions: list[Samples] = Field(description="The same samples, session by session.")
    valid: bool
    reasons: list[str] = Field(description="Why it is not valid; empty where it is.")
    quick: bool = Field(description="Whether less was measured than a valid latency needs.")
    p50_ms: Milliseconds
    p90_ms: Milliseconds
    p99_ms: Milliseconds
    mean_ms: Milliseconds
    std_ms: Milliseconds = Field(description="Sample standard deviation.")
    mad_ms: Milliseconds = Field(None, description="Median absolute deviation.")
    min_ms: Milliseconds = None
    max_ms: Milliseconds = None
    cv: float | None = Field(None, description="std_ms over mean_ms.")
    count: int | None = Field(None, description="Of samples.")
    intervals: dict[str, list[float]] | None = Field(
        None, description="95 % confidence intervals of the statistics: low and high, by name."
    )
    sustained: Sustained | None = Field(None, description="Absent where it was not asked for.")
    warm_up_samples: list[int] | None = Field(
        None, description="Of each session, how many of its first samples are not like the rest."
    )


class Latency(_Timed):
    """Times of an artefact on a device."""

    kind: Literal["latency"]


class EmulatedCost(_Timed):
    """Times of an artefact under emulation, which are no latency."""

    kind: Literal["emulated cost"]


class UnknownTime(_Timed):
    """Times of an artefact where nobody says whether they are an emulator's: no latency."""

    kind: Literal["unknown time"]


class Origin(Open):
    """Where weights come from; what else it says depends on its kind."""

    kind: Literal["random", "imagenet", "weights", "trained"]


class Accuracy(Record):
    """Scores of a model on a data set under a protocol: means over images."""

    kind: Literal["accuracy"]
    data: str
    split: str
    protocol: str
    runtime: str
    weights: str = Field(description="Where the weights come from, in words.")
    origin: Origin | None = Field(None, description="The same, typed; null where unknown.")
    images: int
    input_size: list[int] | None = Field(
        None, description="Height and width; null where images went in at several sizes."
    )
    card: dict[str, Any] | None = Field(
        None, description="The form of the input and the meaning of the output: see models.md."
    )
    averaging: str
    flip: bool = Field(description="Whether predictions are averaged with the mirrored image's.")
    rmse: float | None = Field(description="Metres.")
    mae: float | None = Field(description="Metres.")
    rel: float | None = Field(description="Mean of |prediction - truth| / truth.")
    log10: float | None = Field(description="Mean of |log10 prediction - log10 truth|.")
    delta1: float | None = Field(description="Share of pixels within a factor of 1.25.")
    delta2: float | None = Field(description="Share of pixels within a factor of 1.25^2.")
    delta3: float | None = Field(description="Share of pixels within a factor of 1.25^3.")
    per_image: list[dict[str, Any]] | None = Field(
        None, description="The metrics of each image, in the units above."
    )


class Complexity(Record):
    """Parameters and multiply-adds of a network."""

    kind: Literal["complexity"]
    input: list[int] = Field(description="Height and width of the image.")
    weights_paper_m: float | None = Field(description="10^6 parameters, as the paper counts.")
    weights_m: float | None = Field(description="10^6 parameters.")
    macs_paper_g: float | None = Field(description="10^9 multiply-adds, as the paper counts.")
    macs_conv_g: float | None = Field(description="10^9 multiply-adds of convolutions.")


class Kernel(Open):
    """What a kernel or library did in one inference."""

    name: str
    calls: float
    instructions: float
    est_cycles: float = Field(description="Those of computing, estimated.")
    fma_cycles: float = Field(description="Those of its multiply-adds, were there nothing else.")
    macs: float = Field(description="Multiply-adds, with those of padding.")
    memory_bytes: float | None = Field(None, description="Read from memory and written to it.")
    estimated_ms: float | None = Field(None, description="Its part of the estimate.")


class Estimate(Open):
    """The time of an inference on a core that was not there: no latency."""

    core: str = Field(description="Whose Cortex-A76.")
    clock_ghz: float
    cycles: float = Field(description="Of computing and of waiting for memory.")
    compute_cycles: float
    memory_cycles: float
    milliseconds: float
    low_ms: float = Field(description="The lower end of the interval.")
    high_ms: float = Field(description="The upper end of the interval.")
    error_source: str = Field(description="Where the interval is from.")


class PeerCost(Open):
    """What a peer's inference took; fields as of the record."""

    instructions: int
    est_cycles: int
    fma_cycles: int


class Peer(Open):
    """Another runtime on the same model and inputs."""

    precision: str
    version: str
    agreement: Agreement
    cost: PeerCost
    estimate: Estimate | None = None


class Cost(_OfArtefact):
    """One inference under emulation: instructions counted, cycles and time estimated."""

    kind: Literal["cost"]
    source: Literal["emulated"]
    label: str
    instructions: int
    est_cycles: int = Field(description="Those of computing: caches are not in them.")
    fma_cycles: int = Field(description="Those of the multiply-adds, were there nothing else.")
    macs: int = Field(description="Multiply-adds that were done, with those of padding.")
    counted_instructions: list[int] = Field(description="Of each inference that was counted.")
    kernels: list[Kernel] = Field(description="And libraries; the costliest first.")
    estimate: Estimate | None = Field(None, description="Null where memory was not looked at.")
    traffic: dict[str, Any] | None = Field(
        None, description="Lines and bytes that moved between the caches and memory."
    )
    peers: dict[str, Peer] = Field(description="By name.")
    seconds: float = Field(description="That counting and estimating took, on the host.")


class FailedStep(Open):
    """A step of a sweep that gave no result, or one without this cell's figure."""

    step: str = Field(description="Its kind: export, quantise, compile, score, cost or measure.")
    why: str


class FailedCell(Record):
    """A cell of a sweep that failed; its figures, where it has some, are in other records."""

    kind: Literal["failed cell"]
    runtime: str
    device: Device
    input_size: list[int] | None = Field(None, description="Height and width of the image.")
    failed: list[FailedStep]
    cells: int = Field(description="How many the sweep had.")
    command: list[str] = Field(description="The sweep of this cell alone.")


BY_KIND: dict[str, type[Record]] = {
    "accuracy": Accuracy,
    "latency": Latency,
    "emulated cost": EmulatedCost,
    "unknown time": UnknownTime,
    "complexity": Complexity,
    "cost": Cost,
    "calibration": Calibration,
    "flicker": Flicker,
    "failed cell": FailedCell,
    "pruning": Pruning,
}
KINDS = tuple(BY_KIND)


def json_schema() -> dict[str, Any]:
    """The schema as a JSON Schema, draft 2020-12."""
    either: Any = Annotated[
        Accuracy
        | Latency
        | EmulatedCost
        | UnknownTime
        | Complexity
        | Cost
        | Calibration
        | Flicker
        | FailedCell
        | Pruning,
        Field(discriminator="kind"),
    ]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": SCHEMA,
        **TypeAdapter(either).json_schema(),
    }


if __name__ == "__main__":
    print(json.dumps(json_schema(), indent=2))
