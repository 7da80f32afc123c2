"""The training loop: from a network and samples to weights, resumable to the bit."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from depthnet.network import DepthNetwork
from depthnet.training import checkpoint
from depthnet.training.batches.data_split import TrainingData
from depthnet.training.batches.loader import Batches
from depthnet.training.checkpoint import Checkpoint, Position
from depthnet.training.distributed import World
from depthnet.training.interrupt import StopRequest
from depthnet.training.log import Row, write_log
from depthnet.training.objectives.teacher import Teacher
from depthnet.training.progress import Moment, Speed
from depthnet.training.recipe import Recipe
from depthnet.training.schedule import learning_rate, validated
from depthnet.training.steps.ema import MovingAverage
from depthnet.training.steps.graph import CHUNK, GraphedSteps
from depthnet.training.steps.precision import resolve_precision
from depthnet.training.steps.step import Step, make_learner, make_optimizer
from depthnet.training.validation import validate
from depthnet.training.watch import Diverged, watch
from depthnet.weights.origin import ImageNet, Random, Start, start_of, to_dict

CHECKPOINT = "checkpoint.pt"
LOG = "log.csv"
CHECKPOINT_EVERY_S = 300.0
WAIT_S = 0.0005


class Trainer:
    """One run: a network, a recipe, samples, and a folder with its checkpoint and log.

    Construct, then `run`. If the folder holds a checkpoint of the same run, it goes on from
    there; a checkpoint of another run raises InputError. With `world`, each process holds one.
    On a GPU the steps are one CUDA graph, and losses are looked at every `CHUNK` steps.
    """

    def __init__(
        self,
        network: DepthNetwork,
        recipe: Recipe,
        data: TrainingData,
        folder: Path,
        *,
        seed: int = 0,
        origin: Start | None = None,
        teachers: Sequence[Teacher] = (),
        world: World | None = None,
        checkpoint_every_s: float = CHECKPOINT_EVERY_S,
        progress: Callable[[Moment], None] = lambda moment: None,
    ) -> None:
        self.world = world or World()
        device = self.world.device
        self.network = network
        self.recipe = recipe
        self.data = data
        self.folder = folder
        self.seed = seed
        self.origin = origin or Random(seed)
        self.checkpoint_every_s = checkpoint_every_s
        self.progress = progress
        self.precision = resolve_precision(recipe.precision, device)
        self.learner = make_learner(network, recipe, teachers, seed, device)
        self.batches = Batches(
            data.train,
            recipe,
            recipe.input_size or network.entry.input_size,
            seed=seed,
            sizes=data.sizes,
            process=self.world.process,
            processes=self.world.processes,
            device=device,
        )
        self.steps = recipe.epochs * len(self.batches)
        rate = recipe.encoder_rate if isinstance(self.origin, ImageNet) else 1.0
        optimizer = make_optimizer(self.learner, recipe, rate, device)
        average = MovingAverage(self.network, recipe.ema_decay) if recipe.ema_decay else None
        self.step = Step(self.learner, recipe, optimizer, average, self.precision)
        self.position = Position()
        self._resume()
        self.step.wrapped = self.world.wrap(self.learner)
        self.graphed: GraphedSteps | None = None
        if device.startswith("cuda") and self.world.processes == 1:
            self.graphed = GraphedSteps(self.step, self.batches, self._rate, device)

    @property
    def result(self) -> DepthNetwork:
        """The network whose weights are kept: the moving average, or the one that learns."""
        return self.step.average.network if self.step.average else self.network  # type: ignore[return-value]

    @property
    def finished(self) -> bool:
        """Whether all epochs are done."""
        return self.position.epoch >= self.recipe.epochs

    def run(self) -> DepthNetwork:
        """Train to the end and return the network to keep, in evaluation mode.

        Raises Diverged, leaving the last good checkpoint; on SIGINT or SIGTERM writes a
        checkpoint after the step in flight and raises KeyboardInterrupt.
        """
        with StopRequest() as stop, torch.random.fork_rng(devices=[]):
            for _ in self.turns(stop):
                pass
        return self.end()

    def end(self) -> DepthNetwork:
        """Let go of what a run needs, and return the network to keep, in evaluation mode."""
        # The wrapper holds the process group, whose threads must end before the process does.
        self.step.wrapped = self.learner
        self.graphed = None
        return self.result.eval()

    def turns(self, stop: StopRequest) -> Iterator[bool]:
        """Train to the end, a few steps a turn; what `run` raises is raised here.

        Yields True. On a GPU it does so when steps are on their way, so that others can be sent
        after them.
        """
        saved = time.monotonic()
        speed = Speed()
        while not self.finished:
            began = time.monotonic()
            if self.graphed:
                self.graphed.start(self.number, self._undisturbed())
                yield True
                while not self.graphed.ready():
                    time.sleep(WAIT_S)
                    yield True
                results, stopping = self.graphed.finish(), stop.asked
                took = time.monotonic() - began
            else:
                result, stopping = self._step(stop.asked)
                results = [result]
                took = time.monotonic() - began
                yield True
            seconds = took / len(results)
            for loss, norm in results:
                if self.graphed:
                    self._note(loss, norm)
                speed.add(self.batches.batch, seconds)
                self.position.seconds += seconds
                self._tell(loss, speed)
                if self.position.step == len(self.batches):
                    self._end_epoch(speed)
            if stopping or self.finished or time.monotonic() - saved > self.checkpoint_every_s:
                self.save()
                saved = time.monotonic()
            if stopping and not self.finished:
                raise KeyboardInterrupt

    def save(self) -> None:
        """Write the checkpoint and the log; only the leading process does."""
        if not self.world.leads:
            return
        state = Checkpoint(self.identity, self.position, to_dict(self.origin), **self.step.state())
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
            "teachers": [teacher.name for teacher in self.learner.teachers],
            "processes": self.world.processes,
            **({"pruned": asdict(self.network.pruned)} if self.network.pruned else {}),
        }

    def _resume(self) -> None:
        path = self.folder / CHECKPOINT
        if not path.exists():
            return
        state = checkpoint.load(path)
        checkpoint.check_same_run(path, state.identity, self.identity)
        self.step.load(state)
        self.position = state.position
        self.origin = start_of(state.origin)

    @property
    def number(self) -> int:
        """The number of the next step, from 0."""
        return self.position.epoch * len(self.batches) + self.position.step

    def _undisturbed(self) -> int:
        """How many steps may be done before the weights are looked at."""
        last = self.position.epoch + 1
        while not validated(self.recipe, last) and last * len(self.batches) - self.number < CHUNK:
            last += 1
        return min(CHUNK, last * len(self.batches) - self.number)

    def _rate(self, number: int) -> float:
        return learning_rate(self.recipe, number, self.steps)

    def _step(self, asked: bool) -> tuple[tuple[float, float], bool]:
        position = self.position
        number = self.number
        # Networks that drop at random do so by the step's number, not by what came before it.
        torch.manual_seed(hash((self.seed, number, self.world.process)) % 2**63)
        batch = self.batches.get(position.epoch, position.step)
        for group in self.step.optimizer.param_groups:
            group["lr"] = self._rate(number) * group["share"]
        loss, norm = self.step.gradient(*batch)
        mean_loss, stopping = self.world.mean(loss.item(), float(asked))
        # The norm is of gradients averaged over the processes: all of them decide alike.
        self._note(mean_loss, norm.item())
        self.step.apply(self.step.share(number))
        return (mean_loss, norm.item()), stopping > 0

    def _note(self, loss: float, norm: float) -> None:
        position = self.position
        number = self.number
        if wrong := watch(position, number, loss, norm):
            path = self.folder / CHECKPOINT
            kept = f"{path} is the last good checkpoint" if path.exists() else "no checkpoint yet"
            raise Diverged(
                f"training diverged in epoch {position.epoch + 1}, step {position.step + 1} "
                f"({wrong}, learning rate {self._rate(number):.2g}): lower the learning rate; "
                f"{kept}"
            )
        position.step += 1
        position.loss_sum += loss

    def _end_epoch(self, speed: Speed) -> None:
        position = self.position
        done = position.epoch + 1
        row: Row = {
            "epoch": done,
            "step": done * len(self.batches),
            "learning_rate": self._rate(done * len(self.batches) - 1),
            "loss": position.loss_sum / len(self.batches),
            "images_per_s": speed.images_per_s,
            "hours": position.seconds / 3600.0,
        }
        if self.data.held_out and validated(self.recipe, done) and self.world.leads:
            row |= validate(self.result, self.data.held_out, self.world.device)
        position.rows.append(row)
        position.epoch, position.step, position.loss_sum = done, 0, 0.0
        if self.world.leads:
            write_log(self.folder / LOG, position.rows)

    def _tell(self, loss: float, speed: Speed) -> None:
        self.progress(
            speed.moment(
                min(self.position.epoch + 1, self.recipe.epochs),
                self.recipe.epochs,
                self.number,
                self.steps,
                loss,
                self.batches.batch,
            )
        )
