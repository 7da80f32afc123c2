"""A plan with every file that it needs and hardly a step: whether it will run."""

from __future__ import annotations

import dataclasses

from depthnet.training.plan import Plan, Stage

PAIRS = 16
SIZE = (64, 64)


def rehearsed(plan: Plan) -> Plan:
    """The plan with `PAIRS` pairs of each source, one epoch a stage, and pictures of `SIZE`.

    Its encoders, teachers, unlabelled pictures (all of them) and recipes are those of the plan.
    """
    return dataclasses.replace(plan, stages=tuple(map(_short, plan.stages)))


def _short(stage: Stage) -> Stage:
    recipe = dataclasses.replace(
        stage.recipe, epochs=1, batch=8, sample_size=SIZE, input_size=SIZE, validations=1
    )
    data = tuple(f"{source.partition('@')[0]}@{PAIRS}" for source in stage.data)
    return dataclasses.replace(stage, data=data, recipe=recipe)
