"""The plans for a GPU, carried out with hardly a step on a CPU."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from PIL import Image

from depthnet.training.plan import Plan, read_plan
from depthnet.training.rehearsal import rehearsed
from depthnet.training.stages import Stages
from depthnet.weights import pretrained

FOLDER = Path(pretrained.__file__).parent / "plans" / "gpu"
SMALL = (0, "test", None, (48, 64))


def without_what_does_not_ship(plan: Plan) -> Plan:
    """The plan without ImageNet's weights, and with rooms in the place of NYU."""
    stages = tuple(
        dataclasses.replace(stage, encoder="", data=("rooms@16", *stage.data[1:]))
        for stage in plan.stages
    )
    return dataclasses.replace(plan, stages=stages)


def test_the_plans_for_a_gpu_are_carried_out_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The rooms are rendered in this process, and small.
    monkeypatch.setattr("depthnet.training.batches.samples.RoomsDataset", type(None))
    monkeypatch.setattr("depthnet.data.rooms.dataset.RoomsDataset.__init__.__defaults__", SMALL)
    monkeypatch.setenv("DEPTHBENCH_DATA", str(tmp_path))
    (tmp_path / "photos").mkdir()
    Image.new("RGB", (40, 30), (80, 90, 200)).save(tmp_path / "photos" / "one.png")
    plans = [read_plan(path) for path in sorted(FOLDER.glob("*.toml"))]
    assert sum(stage.recipe.epochs for plan in plans for stage in plan.stages) > 100
    short = [without_what_does_not_ship(rehearsed(plan)) for plan in plans]
    *_, pupil = Stages(short, tmp_path / "out").run()
    assert pupil["network"] == pupil["before"]["network"] == "mobiledepth"
    assert len(pupil["teachers"]) == 2
    assert pupil["data"][-1] == {"data": "unlabelled:photos", "split": "train", "pictures": 1}
