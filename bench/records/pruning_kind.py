"""The schema of a record of pruning: a search for a network of fewer cycles."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from bench.records.record_base import Open, Record


class HeldOut(Open):
    """Scores on the pairs that were held out, by protocol `paper`."""

    rmse: float = Field(description="Metres.")
    rel: float
    delta1: float


class CountedNetwork(Open):
    """A whole network, counted under emulation and scored."""

    cycles: float = Field(description="Those of computing, estimated: caches are not in them.")
    instructions: float
    held_out: HeldOut


class CountedWidth(Open):
    """A group of channels at one width, all others whole."""

    group: str = Field(description="Its first convolution.")
    alike: list[str] = Field(description="All groups that look like it.")
    units: int = Field(description="How many it has, of channels that go together.")
    counted_at: int = Field(description="How many it was counted with.")
    macs_saved: int
    cycles_saved: float


class PruningStep(CountedNetwork):
    """One step: a group that lost channels, after a brief training."""

    step: int
    group: str
    channels: list[int] = Field(description="Of the group, before and after.")
    estimated_cycles: float = Field(description="Of the whole network, by the table.")
    loss: float = Field(description="On training pairs, before the training.")
    proposals: int = Field(description="How many groups could save as much.")
    widths: dict[str, int] = Field(description="Channels of every group, by its name.")


class Error(Open):
    """Shares of what was counted."""

    median: float
    worst: float


class Pruning(Record):
    """Channels taken away until a network's estimated cycles were within a budget."""

    kind: Literal["pruning"]
    network: str
    data: str
    held_out_pairs: int
    held_out_rule: Literal["scenes", "neighbours"]
    held_out_unseen: bool | None = Field(
        description="Whether the first weights, by their record, were not trained on those pairs; "
        "null where nothing tells."
    )
    start: CountedNetwork
    cycles: float
    share: float = Field(description="Of the first network's cycles.")
    held_out: HeldOut = Field(description="After the training at the end.")
    delta1_lost: float
    table: list[CountedWidth]
    table_error: dict[str, Error] = Field(
        description="Of the estimates of `whole` networks, and of what steps `saved`."
    )
    steps: list[PruningStep]
