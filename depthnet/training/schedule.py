"""What is due when: the learning rate of a step, from nothing but its number; validation."""

from __future__ import annotations

import math

from depthnet.training.recipe import Recipe

START_SHARE, END_SHARE = 0.04, 1e-4
"""Where one cycle begins and ends, as shares of the peak (Smith and Topin 2018)."""


def learning_rate(recipe: Recipe, step: int, steps: int) -> float:
    """The learning rate of step `step` (from 0) of `steps`.

    `one-cycle` rises and falls along half cosines; its peak is at the end of the warm-up.
    """
    if recipe.schedule == "constant":
        return recipe.learning_rate
    peak = recipe.warmup * steps
    if step < peak:
        share = _cosine(START_SHARE, 1.0, step / peak)
    else:
        share = _cosine(1.0, END_SHARE, (step - peak) / max(steps - peak, 1))
    return recipe.learning_rate * share


def validated(recipe: Recipe, epochs: int) -> bool:
    """Whether the network is validated after so many epochs."""
    every = max(recipe.epochs // recipe.validations, 1)
    return epochs % every == 0 or epochs >= recipe.epochs


def _cosine(start: float, end: float, progress: float) -> float:
    return end + (start - end) * (1.0 + math.cos(math.pi * progress)) / 2.0
