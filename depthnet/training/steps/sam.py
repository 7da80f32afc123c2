"""Sharpness-aware minimisation: the gradient is taken where the loss is near its worst."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm


@contextmanager
def uphill(learner: nn.Module, radius: float) -> Iterator[None]:
    """Within it, the parameters lie `radius` further along their gradient (Foret et al. 2021).

    A second gradient there leads to minima whose surroundings are low, too. Batch norms take no
    second note of the batch. Nothing waits for the device.
    """
    parameters: list[Tensor] = [p for p in learner.parameters() if p.grad is not None]
    gradients = [p.grad for p in parameters if p.grad is not None]
    here = [p.detach().clone() for p in parameters]
    scale = radius / nn.utils.get_total_norm(gradients).clamp_min(1e-12)
    norms = [m for m in learner.modules() if isinstance(m, _BatchNorm) and m.track_running_stats]
    with torch.no_grad():
        torch._foreach_add_(parameters, torch._foreach_mul(gradients, scale))
    for norm in norms:
        norm.track_running_stats = False
    try:
        yield
    finally:
        for norm in norms:
            norm.track_running_stats = True
        with torch.no_grad():
            torch._foreach_copy_(parameters, here)
