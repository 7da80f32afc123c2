"""Whether a run still learns, told from the losses of its steps."""

from __future__ import annotations

import math

from depthbench.errors import CheckFailed
from depthnet.training.checkpoint import Position

FIRST_STEPS = 10
RECENT = 0.9
DIVERGED = 20.0
"""A run has diverged when its recent loss is this many times that of its first steps."""


class Diverged(CheckFailed):
    """The loss or its gradient is no longer finite, or has grown out of bounds."""


def watch(position: Position, number: int, loss: float, norm: float) -> str:
    """Take note of step `number` (from 0); what is wrong with it, empty when nothing is.

    `loss` is the batch's, `norm` that of its gradient.
    """
    if number < FIRST_STEPS:
        position.first_loss += (loss - position.first_loss) / (number + 1)
        position.recent_loss = position.first_loss
    else:
        position.recent_loss += (1.0 - RECENT) * (loss - position.recent_loss)
    if not (math.isfinite(loss) and math.isfinite(norm)):
        return f"loss {loss:.4g}, norm of its gradient {norm:.4g}"
    if position.recent_loss > DIVERGED * max(position.first_loss, 1e-6):
        return f"loss {position.recent_loss:.4g}, at the start {position.first_loss:.4g}"
    return ""
