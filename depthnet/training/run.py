"""A training run from names and files: build, read, train, write the weights and their record."""

from __future__ import annotations

import platform
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from depthbench.errors import InputError
from depthnet import network, zoo
from depthnet.network import DepthNetwork, EncoderDecoder
from depthnet.training import data_dependent_init
from depthnet.training.batches.data_split import HELD_OUT, Library, gather
from depthnet.training.distributed import World
from depthnet.training.loop import Trainer
from depthnet.training.objectives.teacher import load_teacher
from depthnet.training.progress import Moment
from depthnet.training.recipe import Recipe
from depthnet.training.validation import validate
from depthnet.training.weight_average import average_in
from depthnet.weights import imagenet_encoders
from depthnet.weights import origin as origins
from depthnet.weights.formats import file_sha256, load_weights, record_path, save_weights
from depthnet.weights.origin import ImageNet, Weights, to_dict


@dataclass(frozen=True)
class Start:
    """Where a run starts from; with neither, from ImageNet (or at random without the hub).

    `encoder`: a file of ImageNet weights that `imagenet_encoders` knows; `weights`: a weights
    file of the same network, for fine-tuning. `hub`: whether the model hub may be asked.
    """

    encoder: Path | None = None
    weights: Path | None = None
    hub: bool = True


@dataclass(frozen=True)
class Lessons:
    """What a run learns from: pairs, pictures without depth, and who teaches.

    `specs`: sources of pairs, the first of which is validated on, `held_out` of it; `fill`: fill
    the holes of the depth learnt from; `unlabelled`: folders of pictures; `teachers`: files that
    `load_teacher` reads, whose log depth is averaged.
    """

    specs: Sequence[str] = ("nyu",)
    unlabelled: Sequence[Path] = ()
    teachers: Sequence[Path] = ()
    held_out: float = HELD_OUT
    fill: bool = False


def train(
    name: str,
    lessons: Lessons,
    folder: Path,
    recipe: Recipe,
    *,
    start: Start | None = None,
    seed: int = 0,
    world: World | None = None,
    status: Callable[[str], None] = lambda line: None,
    progress: Callable[[Moment], None] = lambda moment: None,
) -> dict[str, Any]:
    """Train network `name`; return the record of its weights.

    `folder` receives `NAME.safetensors` with its record `NAME.json`, `log.csv` and
    `checkpoint.pt`, from which the same call goes on after an interruption. Raises InputError,
    `watch.Diverged`, OSError.
    """
    trainer, before = prepare(
        name, lessons, folder, recipe,
        start=start, seed=seed, world=world, status=status, progress=progress,
    )  # fmt: skip
    trainer.run()
    return finish(trainer, before)


def prepare(
    name: str,
    lessons: Lessons,
    folder: Path,
    recipe: Recipe,
    *,
    start: Start | None = None,
    seed: int = 0,
    world: World | None = None,
    library: Library | None = None,
    status: Callable[[str], None] = lambda line: None,
    progress: Callable[[Moment], None] = lambda moment: None,
) -> tuple[Trainer, dict[str, Any]]:
    """Build a run as `train` does; also the record of the weights that it starts from."""
    entry = zoo.get(name)
    world = world or World()
    start = start or Start()
    teaching = [load_teacher(path) for path in lessons.teachers]
    if lessons.unlabelled and not teaching:
        raise InputError("unlabelled pictures teach nothing without a teacher: name one")
    status(f"building {name}")
    built, origin, before = _build(entry, start, seed)
    built.to(world.device)
    data = gather(
        lessons.specs,
        sample_size=recipe.sample_size or entry.input_size,
        input_size=recipe.input_size or entry.input_size,
        unlabelled=lessons.unlabelled,
        held_out=lessons.held_out,
        fill=lessons.fill,
        library=library,
        progress=status,
    )
    if not start.weights:
        # The first source has depth everywhere.
        pairs = data.train.first(data.sizes[0])
        data_dependent_init.look(built, pairs, folded=start.encoder is not None)
    trainer = Trainer(
        built,
        recipe,
        data,
        folder,
        seed=seed,
        origin=origin,
        teachers=teaching,
        world=world,
        progress=progress,
    )
    return trainer, before


def finish(
    trainer: Trainer, before: dict[str, Any], *, average_with: Sequence[Path] = ()
) -> dict[str, Any]:
    """Write a run's weights into its folder; return their record, with that of `before` inside.

    `average_with`: files of the same network; what is written is the mean of all.
    """
    result = trainer.end()
    name = result.entry.name
    record = describe(trainer) | ({"before": before} if before else {})
    if not trainer.world.leads:
        return record
    if average_with:
        average_in(result, average_with)
        record["averaged_with"] = [file_sha256(path) for path in average_with]
        if trainer.data.held_out:
            scores = validate(result, trainer.data.held_out, trainer.world.device)
            record["validation"] |= _kept(scores)
    return save_weights(result, trainer.folder / f"{name}.safetensors", record)


def describe(trainer: Trainer) -> dict[str, Any]:
    """How the weights came to be: all that is needed to train them again, and the scores.

    A run that started from a weights file has its record as `before`.
    """
    position = trainer.position
    last = next((row for row in reversed(position.rows) if "rmse" in row), {})
    pairs = sum(source.get("held_out", 0) for source in trainer.data.description)
    steps = position.epoch * len(trainer.batches) + position.step
    return {
        "trained_from": to_dict(trainer.origin),
        "data": trainer.data.description,
        "recipe": trainer.recipe.to_dict(),
        "teachers": trainer.identity["teachers"],
        "seed": trainer.seed,
        "epochs": position.epoch,
        "steps": steps,
        "hours": round(position.seconds / 3600.0, 3),
        "images_per_s": round(steps * trainer.batches.batch / max(position.seconds, 1e-9), 1),
        "precision": trainer.precision,
        "processes": trainer.world.processes,
        "threads": torch.get_num_threads(),
        "device": device_name(trainer.world.device),
        "machine": platform.machine(),
        "torch": torch.__version__,
        "validation": {
            "protocol": "paper",
            "pairs": pairs,
            "of": "training pairs of scenes that were held out",
            **_kept(last),
        },
    }


def _kept(scores: Mapping[str, Any]) -> dict[str, Any]:
    return {key: scores[key] for key in ("rmse", "rel", "delta1") if key in scores}


def device_name(device: str) -> str:
    """`cpu`, or what a GPU calls itself."""
    return torch.cuda.get_device_name(device) if device.startswith("cuda") else device


def _build(
    entry: zoo.Entry, start: Start, seed: int
) -> tuple[DepthNetwork, origins.Start, dict[str, Any]]:
    if start.encoder and start.weights:
        raise InputError("give weights of the encoder or of the whole network, not both")
    # The hub is not asked for what a file gives.
    given = start.encoder or start.weights
    origin: origins.Start
    built, origin = network.build(entry, seed=seed, pretrained=given is None and start.hub)
    if start.encoder:
        if not isinstance(built, EncoderDecoder):
            raise InputError(f"{entry.name} has no encoder of its own: leave --encoder away")
        imagenet_encoders.load_encoder(built.encoder, start.encoder)
        built.mean, built.std = built.encoder.mean, built.encoder.std
        origin = ImageNet(seed, start.encoder.name, file_sha256(start.encoder))
    before: dict[str, Any] = {}
    if start.weights:
        before = load_weights(built, start.weights)
        origin = Weights(record_path(start.weights).stem, file_sha256(start.weights))
    return built, origin, before
