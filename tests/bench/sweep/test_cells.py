"""Cells are the product of a plan's axes, and what they share is done once."""

from __future__ import annotations

import itertools
import json
import pickle
import tempfile
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.sweep import cell_steps
from bench.sweep.cell_steps import Tasks, distinct
from bench.sweep.code_version import ROOT, SOURCES, STEPS
from bench.sweep.data_content import Data
from bench.sweep.plan.cells import expand
from bench.sweep.plan.checks import Checked
from bench.sweep.plan.faults import Faults
from bench.sweep.plan.plan import Plan
from bench.sweep.plan.subjects import Subject
from bench.sweep.steps import PATH_LENGTH, place_of_fixed_length
from depthnet import zoo

ROOMS = Data("rooms", None)
SIZES = {"own": (224, 224), "256": (256, 256), "(192, 256)": (192, 256)}
NETWORKS = ("mobilenet_v2_cat", "fcrn", "inv_res")


def some(*values: object) -> st.SearchStrategy[list[object]]:
    return st.lists(st.sampled_from(values), min_size=1, unique=True)


plans = st.fixed_dictionaries(
    {
        "models": some(*NETWORKS),
        "sizes": some(256, (192, 256), "own"),
        "precisions": some("fp32", "fp16", "int8"),
        "threads": some(1, 2, 4),
        "devices": some("emulated", "adb"),
        "score": st.booleans(),
    }
)


def checked(values: dict[str, Any]) -> tuple[Checked, Faults]:
    plan = Plan.model_validate_json(json.dumps(values))
    faults = Faults()
    subjects = {
        number: Subject(entry.model, network=entry.model)
        for number, entry in enumerate(plan.models)
    }
    cells = expand(plan, subjects, faults)
    return Checked(plan, cells, ROOMS, 5, ROOMS), faults


@settings(max_examples=20)
@given(plans)
def test_there_is_a_cell_for_every_combination(values: dict[str, Any]) -> None:
    found, faults = checked(values)
    axes = ("models", "sizes", "precisions", "threads", "devices")
    expected = [
        (model, SIZES[str(size)], *others)
        for model, size, *others in itertools.product(*(values[axis] for axis in axes))
    ]
    assert not faults.found
    assert [
        (cell.subject.name, cell.size, cell.precision, cell.threads, cell.device)
        for cell in found.cells
    ] == expected


@settings(max_examples=20)
@given(plans)
def test_steps_are_done_once_and_in_order(values: dict[str, Any]) -> None:
    found, _ = checked(values)
    tasks = distinct(Tasks(found).of_cells())
    sizes = len(values["models"]) * len(values["sizes"])
    count = {kind: 0 for kind in ("export", "quantise", "compile", "score", "measure", "cost")}
    seen: set[str] = set()
    for key, task in tasks.items():
        count[task.kind] += 1
        assert set(task.inputs) <= seen  # what is read comes before
        seen.add(key)
    scored = [name for name in values["models"] if name == "mobilenet_v2_cat"]
    precisions, here = set(values["precisions"]), Tasks(found)._half_here
    of_scores = len({p if p != "fp16" or here else "fp32" for p in precisions})
    assert count == {
        "export": sizes,
        "quantise": sizes * ("int8" in precisions),
        "compile": sizes * len(precisions) * len(values["threads"]),
        "score": len(scored) * len(values["sizes"]) * of_scores if values["score"] else 0,
        "measure": len(found.cells),
        "cost": 0,
    }


@settings(max_examples=20)
@given(plans, st.randoms(use_true_random=False))
def test_the_order_of_a_plan_changes_no_task(values: dict[str, Any], random: Random) -> None:
    shuffled = {
        axis: random.sample(entries, len(entries)) if isinstance(entries, list) else entries
        for axis, entries in values.items()
    }
    keys = [set(distinct(Tasks(checked(one)[0]).of_cells())) for one in (values, shuffled)]
    assert keys[0] == keys[1]


def test_a_task_survives_pickling_and_names_no_path() -> None:
    values = {"models": ["mobiledepth"], "precisions": ["int8"], "score": True}
    for task in distinct(Tasks(checked(values)[0]).of_cells()).values():
        again = pickle.loads(pickle.dumps(task))
        assert again.key == task.key
        assert json.loads(json.dumps(task.to_json()))["kind"] == task.kind
        assert str(zoo.__file__).rsplit("/", 2)[0] not in json.dumps(task.to_json())


def test_all_that_decides_a_result_is_in_its_key() -> None:
    values = {"models": ["mobiledepth"], "score": True}
    first = {task.kind: task for task in distinct(Tasks(checked(values)[0]).of_cells()).values()}
    other = {**values, "estimate": {"clock_ghz": 2.0}}
    second = {task.kind: task for task in distinct(Tasks(checked(other)[0]).of_cells()).values()}
    assert first["cost"].key != second["cost"].key
    assert {first[kind].key == second[kind].key for kind in ("export", "compile", "score")} == {
        True
    }
    found, _ = checked(values)
    fewer = Checked(found.plan, found.cells, ROOMS, 4, ROOMS)
    third = {task.kind: task for task in distinct(Tasks(fewer).of_cells()).values()}
    assert first["score"].key != third["score"].key
    assert first["cost"].key == third["cost"].key


def test_changed_data_is_scored_and_calibrated_on_again() -> None:
    found, _ = checked({"models": ["mobiledepth"], "precisions": ["int8"], "score": True})

    def keys(content: str) -> dict[str, str]:
        data = Data("/pairs", content)
        tasks = Tasks(Checked(found.plan, found.cells, data, 5, data)).of_cells()
        return {task.kind: task.key for task in distinct(tasks).values()}

    one, other = keys("1"), keys("2")
    assert {kind for kind in one if one[kind] == other[kind]} == {"export"}


def test_a_score_of_our_own_code_is_of_what_compiles_it(monkeypatch: pytest.MonkeyPatch) -> None:
    found, _ = checked({"models": ["mobiledepth"], "precisions": ["fp32", "fp16"], "score": True})

    def scores(version: str) -> list[str]:
        monkeypatch.setattr(cell_steps, "code_version", lambda kind: f"{kind} {version}")
        tasks = Tasks(found)
        tasks._half_here = True
        return [steps.tasks["score"].key for steps in tasks.of_cells()]

    (fp32, fp16), (fp32_again, fp16_again) = scores("1"), scores("2")
    assert fp32 == fp32_again
    assert fp16 != fp16_again


@pytest.mark.parametrize("deep", ["a", "much/deeper/than/the/first"])
def test_costs_are_counted_in_a_place_of_one_length(deep: str, tmp_path: Path) -> None:
    out = tmp_path / deep
    out.mkdir(parents=True)
    with place_of_fixed_length(out) as place:
        with tempfile.TemporaryDirectory() as scratch:
            assert Path(scratch).parent == place
        assert len(str(place)) == PATH_LENGTH
    assert not list(out.iterdir())


def test_the_code_that_computes_a_step_is_where_it_is_said_to_be() -> None:
    names = {STEPS, *(name for each in SOURCES.values() for name in each)}
    assert not [name for name in names if not (ROOT / name).exists()]
