"""A training run from names and files: build, read, train, write the weights and their record."""

from __future__ import annotations

import platform
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from depthbench.errors import InputError
from depthnet import network, zoo
from depthnet.network import DepthNetwork, EncoderDecoder
from depthnet.training import data_dependent_init
from depthnet.training.batches.data_split import HELD_OUT, gather
from depthnet.training.distributed import World
from depthnet.training.loop import Trainer
from depthnet.training.objectives.teacher import load_teacher
from depthnet.training.progress import Moment
from depthnet.training.recipe import Recipe
from depthnet.weights import imagenet_encoders
from depthnet.weights.formats import file_sha256, load_weights, record_path, save_weights
from depthnet.weights.origin import ImageNet, Random, Weights, to_dict


@dataclass(frozen=True)
class Start:
    """Where a run starts from; with neither, from ImageNet (or at random without the hub).

    `encoder`: a file of ImageNet weights that `encoder_weights` knows; `weights`: a weights
    file of the same network, for fine-tuning.
    """

    encoder: Path | None = None
    weights: Path | None = None


def train(
    name: str,
    specs: Sequence[str],
    folder: Path,
    recipe: Recipe,
    *,
    start: Start | None = None,
    teacher: Path | None = None,
    seed: int = 0,
    held_out: float = HELD_OUT,
    fill: bool = False,
    world: World | None = None,
    status: Callable[[str], None] = lambda line: None,
    progress: Callable[[Moment], None] = lambda moment: None,
) -> dict[str, Any]:
    """Train network `name` on the sources `specs`; return the record of its weights.

    `folder` receives `NAME.safetensors` with its record `NAME.json`, `log.csv` and
    `checkpoint.pt`, from which the same call goes on after an interruption. `teacher`: a file
    that `load_teacher` reads. `fill`: fill the holes of the depth learnt from. Raises InputError,
    `loop.Diverged`, OSError.
    """
    entry = zoo.get(name)
    world = world or World()
    start = start or Start()
    status(f"building {name}")
    built, origin, before = _build(entry, start, seed)
    data = gather(
        specs,
        sample_size=recipe.sample_size or entry.input_size,
        input_size=recipe.input_size or entry.input_size,
        held_out=held_out,
        fill=fill,
        progress=status,
    )
    if not start.weights:
        data_dependent_init.look(built, data.train, folded=start.encoder is not None)
    trainer = Trainer(
        built,
        recipe,
        data,
        folder,
        seed=seed,
        origin=to_dict(origin),
        pretrained_encoder=isinstance(origin, ImageNet),
        teacher=load_teacher(teacher) if teacher else None,
        world=world,
        progress=progress,
    )
    result = trainer.run()
    path = folder / f"{name}.safetensors"
    record = describe(trainer) | ({"before": before} if before else {})
    return save_weights(result, path, record) if world.leads else record


def describe(trainer: Trainer) -> dict[str, Any]:
    """How the weights came to be: all that is needed to train them again, and the scores.

    A run that started from a weights file has its record as `before`.
    """
    position = trainer.position
    last = position.rows[-1] if position.rows else {}
    scores = {key: last[key] for key in ("rmse", "rel", "delta1") if key in last}
    pairs = sum(source.get("held_out", 0) for source in trainer.data.description)
    return {
        "trained_from": trainer.origin,
        "data": trainer.data.description,
        "recipe": trainer.recipe.to_dict(),
        "teacher": trainer.identity["teacher"],
        "seed": trainer.seed,
        "epochs": position.epoch,
        "steps": trainer.steps,
        "hours": round(position.seconds / 3600.0, 3),
        "images_per_s": round(trainer.steps * trainer.batches.batch / position.seconds, 1),
        "precision": trainer.precision,
        "processes": trainer.world.processes,
        "threads": torch.get_num_threads(),
        "device": trainer.world.device,
        "machine": platform.machine(),
        "torch": torch.__version__,
        "validation": {
            "protocol": "paper",
            "pairs": pairs,
            "of": "training pairs that were held out",
            **scores,
        },
    }


def _build(
    entry: zoo.Entry, start: Start, seed: int
) -> tuple[DepthNetwork, Random | ImageNet | Weights, dict[str, Any]]:
    if start.encoder and start.weights:
        raise InputError("give weights of the encoder or of the whole network, not both")
    # The hub is not asked for what a file gives.
    given = start.encoder or start.weights
    origin: Random | ImageNet | Weights
    built, origin = network.build(entry, seed=seed, pretrained=given is None)
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
