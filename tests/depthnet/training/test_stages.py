"""Plans carried out: stage after stage, side by side, interrupted and gone on with."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch
from PIL import Image
from safetensors.torch import load_file

from depthbench.errors import InputError
from depthnet.training.plan import Plan, read_plan
from depthnet.training.progress import Moment
from depthnet.training.stages import FINISHED, Stages

RECIPE = """
[stage.recipe]
base = "better"
precision = "bfloat16"
epochs = 2
batch = 2
sample_size = [32, 32]
input_size = [32, 32]
drop_path = 0.1
ema_decay = 0.9
"""
TEACHER = f"""
network = "mobilenet_v2_cat"
[[stage]]
name = "truth"
data = ["rooms@4"]
held_out = 0.0
{RECIPE}
"""
PUPIL = f"""
network = "regnety_004_add"
seed = 1
[[stage]]
name = "first"
data = ["rooms@4"]
held_out = 0.0
{RECIPE}
[[stage]]
name = "taught"
data = ["rooms@4"]
unlabelled = ["photos"]
teachers = ["teacher/1-truth/mobilenet_v2_cat.safetensors"]
held_out = 0.0
{RECIPE}shares = [0.5, 0.5]
[stage.recipe.augmentation]
mixing = 0.5
"""


class Killed(Exception):
    """Stands for SIGKILL."""


@pytest.fixture
def plans(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Plan]:
    # The rooms are rendered in this process, and small.
    monkeypatch.setattr("depthnet.training.batches.samples.RoomsDataset", type(None))
    monkeypatch.setattr("depthnet.data.rooms.dataset.RoomsDataset.__init__.__defaults__", SMALL)
    monkeypatch.setenv("DEPTHBENCH_DATA", str(tmp_path / "data"))
    photos = tmp_path / "data" / "photos"
    photos.mkdir(parents=True)
    for number in range(3):
        Image.new("RGB", (40, 30), (80 * number, 90, 200)).save(photos / f"{number}.png")
    for name, text in (("pupil", PUPIL), ("teacher", TEACHER)):
        (tmp_path / f"{name}.toml").write_text(text)
    return [read_plan(tmp_path / f"{name}.toml") for name in ("pupil", "teacher")]


SMALL = (0, "test", None, (48, 64))


def files(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in root.rglob("*.safetensors")}


def timeless(record: dict[str, Any]) -> dict[str, Any]:
    kept = {k: v for k, v in record.items() if k not in ("hours", "images_per_s")}
    return kept | ({"before": timeless(kept["before"])} if "before" in kept else {})


def test_a_pupil_waits_for_its_teacher_and_its_record_holds_that_of_the_stage_before(
    plans: list[Plan], tmp_path: Path
) -> None:
    told: list[str] = []
    pupil, teacher = Stages(plans, tmp_path / "out", status=told.append).run()
    stages = [line for line in told if "stage" in line]
    assert stages == [
        "pupil: stage 1 of 2, first",
        "teacher: stage 1 of 1, truth",
        "pupil: stage 2 of 2, taught",
    ]
    assert pupil["before"]["trained_from"] == {"kind": "random", "seed": 1}
    assert pupil["trained_from"]["sha256"] == pupil["before"]["file"]["sha256"]
    assert pupil["teachers"] == [f"mobilenet_v2_cat ({teacher['file']['sha256'][:12]})"]
    assert pupil["data"][1] == {"data": "unlabelled:photos", "split": "train", "pictures": 3}


def test_a_plan_carried_out_twice_gives_the_same_bytes_and_so_does_a_killed_one(
    plans: list[Plan], tmp_path: Path
) -> None:
    expected = Stages(plans, tmp_path / "once").run()
    steps = 0

    def die(_: Moment) -> None:
        nonlocal steps
        steps += 1
        if steps in (3, 9):
            raise Killed

    for _ in range(2):
        with pytest.raises(Killed):
            Stages(plans, tmp_path / "killed", progress=die).run()
    records = Stages(plans, tmp_path / "killed", progress=die).run()
    assert steps > 12
    assert files(tmp_path / "killed") == files(tmp_path / "once")
    assert list(map(timeless, records)) == list(map(timeless, expected))


AVERAGED = f"""
network = "mobilenet_v2_cat"
seed = 5
[[stage]]
name = "first"
weights = "trained/mobilenet_v2_cat.safetensors"
data = ["rooms@4"]
held_out = 0.5
{RECIPE}
[[stage]]
name = "second"
data = ["rooms@4"]
held_out = 0.5
average_with = ["first"]
{RECIPE}"""


def test_a_stage_ends_at_the_mean_of_its_weights_and_those_of_earlier_ones(
    plans: list[Plan], tmp_path: Path
) -> None:
    for name, text in (
        ("averaged", AVERAGED),
        ("alone", AVERAGED.replace('average_with = ["first"]', "")),
    ):
        (tmp_path / f"{name}.toml").write_text(text)
    both = [read_plan(tmp_path / f"{name}.toml") for name in ("averaged", "alone")]
    averaged, alone = Stages(both, tmp_path / "out").run()
    assert averaged["before"]["trained_from"]["file"] == "mobilenet_v2_cat"
    assert averaged["averaged_with"] == [averaged["before"]["file"]["sha256"]]
    assert averaged["validation"]["rmse"] != alone["validation"]["rmse"]
    key = "encoder.backbone.conv_stem.weight"
    first, second, mean = (
        load_file(tmp_path / "out" / name / "mobilenet_v2_cat.safetensors")[key].float()
        for name in ("averaged/1-first", "alone/2-second", "averaged/2-second")
    )
    assert not torch.equal(first, second)
    torch.testing.assert_close(mean, (first + second) / 2, rtol=2e-3, atol=1e-4)


def test_what_is_finished_is_not_done_again(plans: list[Plan], tmp_path: Path) -> None:
    once = Stages(plans, tmp_path / "out").run()
    told: list[Moment] = []
    assert Stages(plans, tmp_path / "out", progress=told.append).run() == once
    assert not told


def test_a_folder_of_another_plan_is_refused(plans: list[Plan], tmp_path: Path) -> None:
    Stages(plans[1:], tmp_path / "out").run()
    marker = tmp_path / "out" / "teacher" / "1-truth" / FINISHED
    stage = json.loads(marker.read_text())
    stage["recipe"]["epochs"] = 7
    marker.write_text(json.dumps(stage))
    with pytest.raises(InputError, match="holds stage truth of another plan"):
        Stages(plans[1:], tmp_path / "out").run()


def test_a_stage_that_waits_for_what_nobody_makes_is_named(
    plans: list[Plan], tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=r"nothing here makes teacher/1-truth.*name its plan"):
        Stages(plans[:1], tmp_path / "out").run()


def test_a_signal_lets_every_plan_write_a_checkpoint(plans: list[Plan], tmp_path: Path) -> None:
    expected = Stages(plans, tmp_path / "once").run()
    steps = 0

    def interrupt(_: Moment) -> None:
        nonlocal steps
        steps += 1
        if steps == 2:
            os.kill(os.getpid(), signal.SIGTERM)

    with pytest.raises(KeyboardInterrupt):
        Stages(plans, tmp_path / "out", progress=interrupt).run()
    kept = sorted(path.parent.name for path in (tmp_path / "out").rglob("checkpoint.pt"))
    assert kept == ["1-first", "1-truth"]
    records = Stages(plans, tmp_path / "out").run()
    assert list(map(timeless, records)) == list(map(timeless, expected))
