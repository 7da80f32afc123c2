"""Plans: what their files say, and what is wrong with them in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from depthbench.errors import InputError
from depthnet.training.plan import read_plan

PLAN = """
network = "mobiledepth"
seed = 3

[[stage]]
name = "features"
data = ["nyu", "rooms@50"]
unlabelled = ["photos"]
teachers = ["encoders/a.pth", "encoders/b.pth"]

[stage.recipe]
base = "better"
epochs = 4
loss = "ratio"
shares = [0.5, 0.2, 0.3]
input_size = [128, 128]

[stage.recipe.augmentation]
mixing = 0.5

[[stage]]
name = "fine"
held_out = 0.2
"""


def write(folder: Path, text: str) -> Path:
    path = folder / "flagship.toml"
    path.write_text(text)
    return path


def test_a_plan_is_its_stages_with_their_data_recipe_and_teachers(tmp_path: Path) -> None:
    plan = read_plan(write(tmp_path, PLAN))
    assert (plan.name, plan.network, plan.seed) == ("flagship", "mobiledepth", 3)
    first, second = plan.stages
    assert first.teachers == ("encoders/a.pth", "encoders/b.pth")
    assert (first.recipe.epochs, first.recipe.loss) == (4, "ratio")
    assert (first.recipe.shares, first.recipe.input_size) == ((0.5, 0.2, 0.3), (128, 128))
    assert first.recipe.augmentation.mixing == 0.5
    assert (second.data, second.held_out, second.recipe.name) == (("nyu",), 0.2, "better")


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (("network", "netwrk"), "unknown 'netwrk'"),
        (('"mobiledepth"', '"mobildepth"'), "mobildepth"),
        (("held_out", "heldout"), "stage 2: unknown 'heldout'"),
        (("epochs = 4", "epoch = 4"), "stage 1, recipe: unknown 'epoch'"),
        (("mixing", "mixng"), "augmentation: unknown 'mixng'"),
        (('"ratio"', '"ration"'), "ration"),
        (("seed = 3", "seed = -1"), "seed a whole number"),
        (('"fine"', '"features"'), "two stages of one name"),
        (("held_out = 0.2", 'encoder = "a.pth"'), "only the first stage"),
        (("held_out = 0.2", 'weights = "a.safetensors"'), "only the first stage"),
        (("held_out = 0.2", 'average_with = ["fine"]'), "no stage before fine is called fine"),
        (("[[stage]]", "[[stages]]"), "unknown 'stages'"),
        (("seed = 3", "seed ="), "not TOML"),
        (("[128, 128]", "[100, 100]"), "multiple of 32"),
        (('["nyu", "rooms@50"]', '"nyu"'), "stage 1: data is 'nyu'; give a list, each text"),
        (("held_out = 0.2", 'held_out = "0.2"'), "stage 2: held_out is '0.2'; give a number"),
        (("epochs = 4", 'epochs = "4"'), "stage 1, recipe: epochs is '4'; give a whole number"),
        (("[128, 128]", "[128]"), "input_size is .*; give a list of 2, each a whole number"),
        (("mixing = 0.5", "mixing = true"), "augmentation: mixing is True; give a number"),
        (("epochs = 4", 'optimizer = "sgd"'), "optimizer is 'sgd'; give one of adam, adamw"),
        (("epochs = 4", "sam_radius = -0.05"), "sam_radius is -0.05, give 0 or more"),
        (("held_out = 0.2", "recipe = 3"), "stage 2, recipe: give a table"),
    ],
)
def test_what_is_no_plan_is_refused(
    tmp_path: Path, change: tuple[str, str], complaint: str
) -> None:
    with pytest.raises(InputError, match=complaint):
        read_plan(write(tmp_path, PLAN.replace(*change)))


def test_a_missing_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        read_plan(tmp_path / "none.toml")
