"""How the functions of a module were scheduled, and which of them gave way to another schedule."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Reason(StrEnum):
    """Why a function has no schedule of a family."""

    NO_FAMILY = "no_family"  # none is made for what it computes
    NOT_BLOCKS = "not_blocks"  # it is written as statements, such as TVM's sort and scan
    SCHEDULE_REFUSED = "schedule_refused"  # a step of the schedule does not fit it
    CODE_REFUSED = "code_refused"  # no code can be generated from it as it was scheduled


@dataclass(frozen=True)
class Refusal:
    """A schedule that was tried on a function in vain, and what TVM said."""

    schedule: str
    reason: Reason
    says: str

    def to_dict(self) -> dict[str, Any]:
        """For the manifest."""
        return {"schedule": self.schedule, "reason": self.reason.value, "says": self.says}


@dataclass(frozen=True)
class Fallback:
    """A function without a schedule of a family: what it has instead, and why.

    `name` is the function's in its module, `operator` are those that it was fused from, `macs` and
    `bytes` are its multiply-adds and what it reads and writes in one inference. `schedule` is
    "none" where it stays as TVM made it.
    """

    name: str
    operator: str
    macs: int
    bytes: int
    schedule: str
    reason: Reason
    refused: tuple[Refusal, ...] = ()

    def to_dict(self, macs: int, moved: int) -> dict[str, Any]:
        """For the manifest, with the shares of so many multiply-adds and bytes."""
        entry: dict[str, Any] = {
            "operator": self.operator,
            "macs": self.macs,
            "schedule": self.schedule,
            "reason": self.reason.value,
        }
        if self.refused:
            entry["refused"] = [one.to_dict() for one in self.refused]
        return {**entry, "share": self.macs / macs, "bytes_share": self.bytes / moved}


@dataclass
class Account:
    """Multiply-adds and bytes moved by how they are scheduled: in a family's way, or not.

    `tuned` are the calls of functions that took a tuned choice, `families` those of each family.
    """

    macs: int = 0
    bytes: int = 0
    scheduled_macs: int = 0
    parallel_macs: int = 0
    tuned: int = 0
    families: dict[str, int] = field(default_factory=dict)
    fallbacks: list[Fallback] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """For the manifest; shares are of all multiply-adds.

        The scheduled share of a model without any is that of the bytes moved.
        """
        whole, moved = max(self.macs, 1), max(self.bytes, 1)
        left = sum(one.bytes for one in self.fallbacks) / moved
        return {
            "macs": self.macs,
            "bytes": self.bytes,
            "scheduled_share": self.scheduled_macs / whole if self.macs else 1 - left,
            "parallel_share": self.parallel_macs / whole,
            "tuned": self.tuned,
            "families": dict(sorted(self.families.items())),
            "fallbacks": [one.to_dict(whole, moved) for one in self.fallbacks],
        }
