"""The plans of the weights that ship: they can be read, and lead to what the records say."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

from depthnet.training.plan import Plan, read_plan
from depthnet.weights import pretrained

FOLDER = Path(pretrained.__file__).parent / "plans"
PLANS = sorted(FOLDER.glob("*.toml"))
ON_GPU = sorted((FOLDER / "gpu").glob("*.toml"))


def records(plan: Plan) -> list[dict[str, Any]]:
    """The records of all stages of a network that ships, the first one first; else none."""
    path = pretrained.weights_path(plan.network)
    if path is None or plan.name != plan.network:
        return []
    found = [json.loads(path.with_suffix(".json").read_text())]
    while before := found[-1].get("before"):
        found.append(before)
    return found[::-1]


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_a_plan_is_what_the_records_of_its_weights_say(path: Path) -> None:
    plan = read_plan(path)
    made = records(plan)
    for stage, record in zip(plan.stages, made, strict=bool(made)):
        recipe = json.loads(json.dumps(dataclasses.asdict(stage.recipe)))
        assert {key: recipe[key] for key in record["recipe"]} == record["recipe"]
        assert record["epochs"] == stage.recipe.epochs
        assert record["seed"] == plan.seed
        assert len(record["teachers"]) == len(stage.teachers)


@pytest.mark.parametrize("path", [*PLANS, *ON_GPU], ids=lambda path: path.stem)
def test_a_teacher_that_a_plan_names_is_made_by_another_plan_or_ships(path: Path) -> None:
    plans = {plan.name: plan for plan in map(read_plan, path.parent.glob("*.toml"))}
    for stage in plans[path.stem].stages:
        for teacher in stage.teachers:
            if teacher.startswith("trained/"):
                assert (pretrained.FOLDER / Path(teacher).name).is_file()
                continue
            name, folder, file = Path(teacher).parts
            other = plans[name]
            numbered = [f"{k}-{made.name}" for k, made in enumerate(other.stages, start=1)]
            assert folder in numbered
            assert file == f"{other.network}.safetensors"
