"""How a network is trained: every number of a recipe, in one place."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any, Literal

from depthbench.errors import InputError
from depthbench.suggest import did_you_mean
from depthnet.training.batches.augmentation import PAPER, Augmentation


@dataclass(frozen=True)
class Recipe:
    """One way of training.

    `loss`: a name of `depthnet.losses`. `schedule`: the learning rate stays `constant`, or goes
    up to `learning_rate` in the first `warmup` share of all steps and down to nothing in the
    rest (`one-cycle`). `encoder_rate`: an encoder that starts from ImageNet learns at this share
    of the learning rate. `clip_norm`: the largest norm of the gradient (0: any). `ema_decay`: the
    weights that are kept are a moving average with this decay a step (0: the last ones).
    `precision`: of the network's arithmetic; `auto` is bfloat16 where the machine multiplies it
    in hardware. `sample_size`: (height, width) at which samples are kept in memory, None for
    the size of the network's input. `input_size`: what the network learns from, None for its own
    size; a smaller one is faster. `teacher`: weight of the loss against a teacher's depth, `hints`:
    of the distance to his encoder's features, where there are teachers. `drop_path`: how often
    the encoder's last block is left out. `shares`: of a batch, by source, the unlabelled ones
    last; none: as many as each has. `validations`: about how often a run is validated.
    `sam_radius`: how far uphill the gradient is taken (sharpness-aware minimisation, at twice the
    cost; 0: where the weights are).
    """

    name: str
    epochs: int = 20
    batch: int = 16
    optimizer: Literal["adam", "adamw"] = "adam"
    learning_rate: float = 2e-4
    betas: tuple[float, float] = (0.9, 0.999)
    weight_decay: float = 0.0
    schedule: Literal["constant", "one-cycle"] = "constant"
    warmup: float = 0.0
    encoder_rate: float = 1.0
    clip_norm: float = 0.0
    ema_decay: float = 0.0
    precision: Literal["float32", "bfloat16", "auto"] = "float32"
    channels_last: bool = False
    loss: str = "bmix"
    augmentation: Augmentation = field(default_factory=lambda: PAPER)
    sample_size: tuple[int, int] | None = None
    input_size: tuple[int, int] | None = None
    teacher: float = 1.0
    hints: float = 3.0
    drop_path: float = 0.0
    shares: tuple[float, ...] = ()
    validations: int = 20
    sam_radius: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """The recipe as plain values, for records and checkpoints."""
        return dataclasses.asdict(self)


RECIPES = {
    recipe.name: recipe
    for recipe in (
        Recipe(name="paper"),
        Recipe(
            name="better",
            optimizer="adamw",
            learning_rate=1e-3,
            weight_decay=0.02,
            schedule="one-cycle",
            warmup=0.1,
            encoder_rate=0.3,
            clip_norm=20.0,
            ema_decay=0.998,
            precision="auto",
            channels_last=True,
            loss="bmix-ratio",
            augmentation=Augmentation(
                channel_swap=0.25,
                zoom=1.5,
                rotation=4.0,
                brightness=1.3,
                contrast=1.25,
                saturation=1.4,
                gamma=1.2,
                cut_depth=0.25,
            ),
            sample_size=(288, 288),
        ),
    )
}


def parse_setting(setting: str) -> tuple[str, float]:
    """A number of a recipe or of its augmentation, from `FIELD=NUMBER`; raises InputError."""
    numbers = _numbers(Recipe) | _numbers(Augmentation)
    name, _, value = setting.partition("=")
    if name not in numbers:
        raise InputError(f"setting '{setting}': a recipe's numbers are {', '.join(numbers)}")
    try:
        return name, {"int": int, "float": float}[numbers[name]](value)
    except ValueError:
        raise InputError(f"setting '{setting}': give {name}=NUMBER") from None


def _numbers(holder: type) -> dict[str, str]:
    fields = {field.name: str(field.type) for field in dataclasses.fields(holder)}
    return {name: kind for name, kind in fields.items() if kind in ("int", "float")}


def get(name: str, **changes: Any) -> Recipe:
    """The recipe called `name` with fields, or those of its augmentation, changed.

    A change of None is none.

    Raises InputError with the nearest name when there is none, or when epochs, batch or
    learning rate are not above zero, or the radius below.
    """
    if name not in RECIPES:
        raise InputError(f"unknown recipe '{name}'", advice=did_you_mean(name, RECIPES))
    given = {key: value for key, value in changes.items() if value is not None}
    of_images = {key: given.pop(key) for key in list(given) if key in _numbers(Augmentation)}
    recipe = dataclasses.replace(RECIPES[name], **given)
    augmentation = dataclasses.replace(recipe.augmentation, **of_images)
    recipe = dataclasses.replace(recipe, augmentation=augmentation)
    for key in ("epochs", "batch", "learning_rate", "validations"):
        if not getattr(recipe, key) > 0:
            raise InputError(f"recipe {name}: {key} is {getattr(recipe, key)}, give more than 0")
    if recipe.sam_radius < 0:
        raise InputError(f"recipe {name}: sam_radius is {recipe.sam_radius}, give 0 or more")
    if any(share <= 0 for share in recipe.shares):
        raise InputError(f"recipe {name}: shares {recipe.shares}, give more than 0 each")
    if recipe.input_size and any(side % 32 for side in recipe.input_size):
        raise InputError(f"input size {recipe.input_size[0]}: give a multiple of 32")
    return recipe
