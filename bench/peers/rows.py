"""The rows of a comparison: which settings of runtimes are in it, and why others are not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from bench.measure.agreement import agrees
from bench.measure.comparison import REFERENCE, how_wrong
from bench.measure.runtime_comparison import reason_of
from bench.models import Model
from bench.peers.peer import Setting, settings_of
from depthbench import cancellation
from depthbench.errors import CheckFailed, DepthbenchError, DeviceError, RuntimeLost, ToolMissing


@dataclass
class Rows:
    """Rows of runtimes on `model`, which were `named` by the user or are all there are.

    By the row's name, with the reason: `absent` are those that cannot run the model, `left_out`
    those in another precision than the model's that cannot or compute something else, `lost` those
    that crashed or hung.
    """

    model: Model
    named: bool
    absent: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    lost: dict[str, str] = field(default_factory=dict)

    def settings(self, runtimes: Iterable[str], precision: str) -> Iterator[Setting]:
        """Each runtime's settings, one after the other, unless the runtime is absent by then."""
        for setting in settings_of(runtimes, precision):
            cancellation.check()
            if setting.runtime not in self.absent:
                yield setting

    @contextmanager
    def trying(self, setting: Setting) -> Iterator[None]:
        """Notes why the row of `setting` cannot be had, where the block raises that.

        What was named and is installed must run the model: otherwise the error goes on.
        """
        try:
            yield
        except DeviceError:
            raise
        except RuntimeLost as error:
            self.lost[setting.name] = str(error)
        except DepthbenchError as error:
            if not setting.own:
                self.left_out[setting.name] = reason_of(error, self.model)
            elif not self.named or isinstance(error, ToolMissing):
                self.absent[setting.name] = reason_of(error, self.model)
            else:
                raise

    def document(self) -> dict[str, dict[str, str]]:
        """Who is not compared, and why."""
        return {"absent": self.absent, "left_out": self.left_out, "lost": self.lost}


def check(setting: Setting, agreement: Mapping[str, Any]) -> None:
    """Raise CheckFailed unless the outputs of `setting` agree with the reference's."""
    if not agrees(agreement):
        raise CheckFailed(
            f"outputs differ from {REFERENCE}'s: {how_wrong(setting.name, agreement)}"
        )
