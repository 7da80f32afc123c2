"""The training loop: from a network and samples to weights, resumable to the bit."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from depthbench.errors import CheckFailed
from depthnet.network import DepthNetwork
from depthnet.training import checkpoint
from depthnet.training.batches.data_split import TrainingData
from depthnet.training.batches.loader import Batches
from depthnet.training.checkpoint import Checkpoint, Position
from depthnet.training.depthwise import FastDepthwise
from depthnet.training.distributed import World
from depthnet.training.ema import MovingAverage
from depthnet.training.interrupt import StopRequest
from depthnet.training.log import Row, write_log
from depthnet.training.objectives.distillation import Learner
from depthnet.training.objectives.objective import Objective
from depthnet.training.objectives.teacher import Teacher
from depthnet.training.precision import resolve_precision
from depthnet.training.progress import Moment, Speed
from depthnet.training.recipe import Recipe
from depthnet.training.schedule import learning_rate
from depthnet.training.validation import validate

CHECKPOINT = "checkpoint.pt"
LOG = "log.csv"
CHECKPOINT_EVERY_S = 300.0
VALIDATIONS = 20
"""About how often a run is validated."""

FIRST_STEPS = 10
RECENT = 0.9
DIVERGED = 20.0
"""A run has diverged when its recent loss is this many times that of its first steps."""


class Diverged(CheckFailed):
    """The loss or its gradient is no longer finite, or has grown out of bounds."""


class Trainer:
    """One run: a network, a recipe, samples, and a folder with its checkpoint and log.

    Construct, then `run`. If the folder holds a checkpoint of the same run, it goes on from
    there; a checkpoint of another run raises InputError. With `world`, each process holds one.
    """

    def __init__(
        self,
        network: DepthNetwork,
        recipe: Recipe,
        data: TrainingData,
        folder: Path,
        *,
        seed: int = 0,
        origin: dict[str, Any] | None = None,
        pretrained_encoder: bool = False,
        teacher: Teacher | None = None,
        world: World | None = None,
        checkpoint_every_s: float = CHECKPOINT_EVERY_S,
        progress: Callable[[Moment], None] = lambda moment: None,
    ) -> None:
        self.world = world or World()
        device = self.world.device
        self.network = network
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.learner = Learner(network, teacher.to(device) if teacher else None)
        self.learner.to(device).train()
        if recipe.channels_last:
            self.learner.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        self.recipe = recipe
        self.data = data
        self.folder = folder
        self.seed = seed
        self.origin = origin or {}
        self.checkpoint_every_s = checkpoint_every_s
        self.progress = progress
        self.precision = resolve_precision(recipe.precision, device)
        self.batches = Batches(
            data.train,
            recipe,
            recipe.input_size or network.entry.input_size,
            seed=seed,
            process=self.world.process,
            processes=self.world.processes,
            device=device,
        )
        self.steps = recipe.epochs * len(self.batches)
        self.objective = Objective(recipe, network.entry.depth_space)
        self.optimizer = make_optimizer(
            self.learner, recipe, recipe.encoder_rate if pretrained_encoder else 1.0
        )
        self.average = MovingAverage(self.network, recipe.ema_decay) if recipe.ema_decay else None
        self.position = Position()
        self._resume()
        self.wrapped: nn.Module = self.world.wrap(self.learner)

    @property
    def result(self) -> DepthNetwork:
        """The network whose weights are kept: the moving average, or the one that learns."""
        return self.average.network if self.average else self.network  # type: ignore[return-value]

    @property
    def finished(self) -> bool:
        """Whether all epochs are done."""
        return self.position.epoch >= self.recipe.epochs

    def run(self) -> DepthNetwork:
        """Train to the end and return the network to keep, in evaluation mode.

        Raises Diverged, leaving the last good checkpoint; on SIGINT or SIGTERM writes a
        checkpoint after the step in flight and raises KeyboardInterrupt.
        """
        saved = time.monotonic()
        speed = Speed()
        with StopRequest() as stop, torch.random.fork_rng(devices=[]):
            while not self.finished:
                began = time.monotonic()
                loss, stopping = self._step(stop.asked)
                speed.add(self.batches.batch, time.monotonic() - began)
                self.position.seconds += time.monotonic() - began
                self._tell(loss, speed)
                if self.position.step == len(self.batches):
                    self._end_epoch(speed)
                if stopping or self.finished or time.monotonic() - saved > self.checkpoint_every_s:
                    self.save()
                    saved = time.monotonic()
                if stopping and not self.finished:
                    raise KeyboardInterrupt
        # The wrapper holds the process group, whose threads must end before the process does.
        self.wrapped = self.learner
        return self.result.eval()

    def save(self) -> None:
        """Write the checkpoint and the log; only the leading process does."""
        if not self.world.leads:
            return
        state = Checkpoint(
            identity=self.identity,
            position=self.position,
            model=self.network.state_dict(),
            projections=self.learner.projections.state_dict(),
            optimizer=self.optimizer.state_dict(),
            average=self.average.network.state_dict() if self.average else None,
            origin=self.origin,
        )
        state.save(self.folder / CHECKPOINT)
        write_log(self.folder / LOG, self.position.rows)

    @property
    def identity(self) -> dict[str, Any]:
        """What makes this run this run: two with the same identity give the same weights."""
        return {
            "network": self.network.entry.name,
            "recipe": self.recipe.to_dict(),
            "precision": self.precision,
            "seed": self.seed,
            "data": {str(k): source for k, source in enumerate(self.data.description)},
            "teacher": self.learner.teacher.name if self.learner.teacher else "",
            "processes": self.world.processes,
        }

    def _resume(self) -> None:
        path = self.folder / CHECKPOINT
        if not path.exists():
            return
        state = checkpoint.load(path)
        checkpoint.check_same_run(path, state.identity, self.identity)
        self.network.load_state_dict(state.model)
        self.learner.projections.load_state_dict(state.projections)
        self.optimizer.load_state_dict(state.optimizer)
        if self.average and state.average:
            self.average.network.load_state_dict(state.average)
        self.position = state.position
        self.origin = state.origin

    def _step(self, asked: bool) -> tuple[float, bool]:
        position = self.position
        number = position.epoch * len(self.batches) + position.step
        # Networks that drop at random do so by the step's number, not by what came before it.
        torch.manual_seed(hash((self.seed, number, self.world.process)) % 2**63)
        image, depth = self.batches.get(position.epoch, position.step)
        rate = learning_rate(self.recipe, number, self.steps)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["share"]
        loss, norm = self._learn(image, depth)
        mean_loss, stopping = self.world.mean(loss, float(asked))
        # The norm is of gradients averaged over the processes: all of them decide alike.
        self._check(mean_loss, norm, number, rate)
        self.optimizer.step()
        if self.average:
            self.average.update(self.network, number)
        position.step += 1
        position.loss_sum += mean_loss
        return mean_loss, stopping > 0

    def _learn(self, image: Tensor, depth: Tensor) -> tuple[float, float]:
        if self.recipe.channels_last:
            image = image.contiguous(memory_format=torch.channels_last)
        device = image.device.type
        autocast = torch.autocast(device, torch.bfloat16, enabled=self.precision == "bfloat16")
        with autocast, FastDepthwise():
            prediction, distance, taught = self.wrapped(image)
        if taught is not None:
            depth = torch.cat((depth, taught), dim=1)
        loss = self.objective(prediction.float(), depth) + self.recipe.hints * distance
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        limit = self.recipe.clip_norm or math.inf
        norm = nn.utils.clip_grad_norm_(self.learner.parameters(), limit)
        return loss.item(), norm.item()

    def _check(self, loss: float, norm: float, number: int, rate: float) -> None:
        position = self.position
        if number < FIRST_STEPS:
            position.first_loss += (loss - position.first_loss) / (number + 1)
            position.recent_loss = position.first_loss
        else:
            position.recent_loss += (1.0 - RECENT) * (loss - position.recent_loss)
        if not (math.isfinite(loss) and math.isfinite(norm)):
            what = f"loss {loss:.4g}, norm of its gradient {norm:.4g}"
        elif position.recent_loss > DIVERGED * max(position.first_loss, 1e-6):
            what = f"loss {position.recent_loss:.4g}, at the start {position.first_loss:.4g}"
        else:
            return
        path = self.folder / CHECKPOINT
        kept = f"{path} is the last good checkpoint" if path.exists() else "no checkpoint yet"
        raise Diverged(
            f"training diverged in epoch {position.epoch + 1}, step {position.step + 1} ({what}, "
            f"learning rate {rate:.2g}): lower the learning rate; {kept}"
        )

    def _end_epoch(self, speed: Speed) -> None:
        position = self.position
        row: Row = {
            "epoch": position.epoch + 1,
            "step": (position.epoch + 1) * len(self.batches),
            "learning_rate": max(group["lr"] for group in self.optimizer.param_groups),
            "loss": position.loss_sum / len(self.batches),
            "images_per_s": speed.images_per_s,
            "hours": position.seconds / 3600.0,
        }
        every = max(self.recipe.epochs // VALIDATIONS, 1)
        due = (position.epoch + 1) % every == 0 or position.epoch + 1 == self.recipe.epochs
        if self.data.held_out and due and self.world.leads:
            row |= validate(self.result, self.data.held_out, self.world.device)
        position.rows.append(row)
        position.epoch, position.step, position.loss_sum = position.epoch + 1, 0, 0.0
        if self.world.leads:
            write_log(self.folder / LOG, position.rows)

    def _tell(self, loss: float, speed: Speed) -> None:
        done = self.position.epoch * len(self.batches) + self.position.step
        left = (self.steps - done) * self.batches.batch / speed.images_per_s
        self.progress(
            Moment(
                epoch=min(self.position.epoch + 1, self.recipe.epochs),
                epochs=self.recipe.epochs,
                done=done,
                total=self.steps,
                loss=loss,
                images_per_s=speed.images_per_s,
                seconds_left=left,
            )
        )


def make_optimizer(learner: Learner, recipe: Recipe, encoder_rate: float) -> torch.optim.Optimizer:
    """The recipe's optimizer; biases and batch-norm parameters are never decayed.

    `encoder_rate`: the share of the learning rate at which the encoder learns. Every group of
    parameters holds its own as `share`.
    """
    groups = []
    for share, of_encoder in ((encoder_rate, True), (1.0, False)):
        parameters = [
            parameter
            for name, parameter in learner.named_parameters()
            if parameter.requires_grad and name.startswith("network.encoder.") == of_encoder
        ]
        for decay, chosen in (
            (recipe.weight_decay, [p for p in parameters if p.dim() > 1]),
            (0.0, [p for p in parameters if p.dim() <= 1]),
        ):
            if chosen:
                groups.append({"params": chosen, "weight_decay": decay, "share": share})
    kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[recipe.optimizer]
    return kind(groups, lr=recipe.learning_rate, betas=recipe.betas)
