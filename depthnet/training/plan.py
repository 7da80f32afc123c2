"""A plan: how a network comes to be, stage by stage, in one file."""

from __future__ import annotations

import dataclasses
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from depthbench.errors import InputError
from depthbench.toml_types import check_types
from depthnet import zoo
from depthnet.training import recipe as recipes
from depthnet.training.batches.data_split import HELD_OUT
from depthnet.training.objectives import losses
from depthnet.training.recipe import Recipe

PLAN_KEYS = ("network", "seed", "stage")
TUPLES = ("betas", "sample_size", "input_size", "shares")


@dataclass(frozen=True)
class Stage:
    """One run of a plan.

    `data`: sources of pairs as `gather` takes them; `unlabelled`: folders; `teachers`: files;
    `encoder`, `weights`: the file of ImageNet weights, or of a whole network, that a first stage
    starts from, by default at random; `average_with`: earlier stages, whose weights and its own
    are averaged at its end. A file or folder is looked for where the command runs, among the
    other plans' results, beside the data sets, and as `trained/NAME.safetensors` in what ships.
    """

    name: str
    recipe: Recipe
    data: tuple[str, ...] = ("nyu",)
    unlabelled: tuple[str, ...] = ()
    teachers: tuple[str, ...] = ()
    encoder: str = ""
    weights: str = ""
    average_with: tuple[str, ...] = ()
    held_out: float = HELD_OUT
    fill_holes: bool = False

    def to_dict(self) -> dict[str, Any]:
        """The stage as plain values, by which a finished one is known again."""
        return dataclasses.asdict(self)


@dataclass(frozen=True)
class Plan:
    """The stages of one network; each but the first starts from the weights of the one before."""

    name: str
    network: str
    seed: int
    stages: tuple[Stage, ...]


def read_plan(path: Path) -> Plan:
    """Read a plan from a TOML file; its name is the file's.

    Raises InputError, naming the file and the key, for what is no plan.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file; give a plan in TOML") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: not TOML ({error})") from error
    _known(values, PLAN_KEYS, f"{path}")
    tables = values.get("stage")
    if not isinstance(tables, list) or not tables:
        raise InputError(f"{path}: a plan has at least one [[stage]]")
    network, seed = values.get("network"), values.get("seed", 0)
    if not isinstance(network, str) or not isinstance(seed, int) or seed < 0:
        raise InputError(f"{path}: network is a name and seed a whole number")
    zoo.get(network)
    stages = tuple(_stage(table, f"{path}: stage {k}") for k, table in enumerate(tables, start=1))
    names = [stage.name for stage in stages]
    if len(set(names)) < len(names):
        raise InputError(f"{path}: two stages of one name; give each its own")
    if any(stage.encoder or stage.weights for stage in stages[1:]):
        raise InputError(f"{path}: only the first stage can start from an encoder or from weights")
    for number, stage in enumerate(stages):
        if unknown := set(stage.average_with) - set(names[:number]):
            raise InputError(f"{path}: no stage before {stage.name} is called {min(unknown)}")
    return Plan(path.stem, network, seed, stages)


def _stage(value: Any, where: str) -> Stage:
    table = _table(value, where)
    _known(table, [field.name for field in dataclasses.fields(Stage)], where)
    if "name" not in table:
        raise InputError(f"{where}: needs a name")
    recipe = _recipe(table.pop("recipe", {}), f"{where}, recipe")
    check_types(table, Stage, where)
    given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in table.items()}
    return Stage(recipe=recipe, **given)


def _recipe(table: Any, where: str) -> Recipe:
    given = _table(table, where)
    base = given.pop("base", "better")
    augmentation = _table(given.pop("augmentation", {}), f"{where}, augmentation")
    changes = {key: tuple(v) if key in TUPLES else v for key, v in given.items()}
    _known(changes, [f.name for f in dataclasses.fields(Recipe) if f.name != "name"], where)
    of_images = [f.name for f in dataclasses.fields(recipes.Augmentation)]
    _known(augmentation, of_images, f"{where}, augmentation")
    check_types({"name": base, **given}, Recipe, where)
    check_types(augmentation, recipes.Augmentation, f"{where}, augmentation")
    recipe = recipes.get(base, **changes, **augmentation)
    losses.get(recipe.loss)
    return recipe


def _table(value: Any, where: str) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise InputError(f"{where}: give a table")
    return dict(value)


def _known(values: Mapping[str, Any], keys: Any, where: str) -> None:
    if unknown := [key for key in values if key not in keys]:
        raise InputError(f"{where}: unknown {unknown[0]!r}; it may have {', '.join(keys)}")
