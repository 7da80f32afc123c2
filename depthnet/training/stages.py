"""The stages of plans, one after the other, and the plans of several networks side by side."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import torch

from depthbench.errors import InputError
from depthbench.files import write_whole
from depthnet.data import data_folder
from depthnet.training.batches.data_split import Library
from depthnet.training.distributed import World
from depthnet.training.interrupt import StopRequest
from depthnet.training.plan import Plan, Stage
from depthnet.training.progress import Moment
from depthnet.training.run import Lessons, Start, finish, prepare
from depthnet.weights.formats import load_record, record_path
from depthnet.weights.pretrained import FOLDER

FINISHED = "stage.json"
SHIPPED = FOLDER.parent


class Stages:
    """Plans that are carried out in one process, each in a folder of its name below `root`.

    A stage that needs the weights of another plan waits for them. What was finished is not done
    again; what was interrupted goes on.
    """

    def __init__(
        self,
        plans: Sequence[Plan],
        root: Path,
        *,
        world: World | None = None,
        status: Callable[[str], None] = lambda line: None,
        progress: Callable[[Moment], None] = lambda moment: None,
    ) -> None:
        self.plans = plans
        self.root = root
        self.world = world or World()
        self.status = status
        self.progress = progress
        self.library = Library()

    def run(self) -> list[dict[str, Any]]:
        """Carry out all plans; the records of their last stages, in order.

        Raises InputError also when a stage waits for what no plan makes; else as `train` does. On
        SIGINT or SIGTERM every plan writes a checkpoint before KeyboardInterrupt is raised.
        """
        interrupted = False
        with StopRequest() as stop, torch.random.fork_rng(devices=[]):
            going = {plan.name: self.turns(plan, stop) for plan in self.plans}
            if len(going) < len(self.plans):
                raise InputError("two plans of one name: rename the file of one")
            while going:
                moved = False
                for name, turns in list(going.items()):
                    try:
                        moved |= next(turns)
                    except StopIteration:
                        del going[name]
                        moved = True
                    except KeyboardInterrupt:
                        del going[name]
                        interrupted = True
                if interrupted and not moved:
                    break
                if not moved:
                    missing = ", ".join(sorted({str(m) for m in self._missing(going)}))
                    raise InputError(f"nothing here makes {missing}: name its plan, too")
        if interrupted:
            raise KeyboardInterrupt
        return [load_record(self.weights(plan)) for plan in self.plans]

    def turns(self, plan: Plan, stop: StopRequest) -> Iterator[bool]:
        """Carry out one plan a few steps a turn; yields whether the turn was not spent waiting."""
        for number, stage in enumerate(plan.stages, start=1):
            weights = self._weights(plan, number)
            if self._finished(weights.parent, stage):
                continue
            while any(self._find(file) is None for file in (*stage.teachers, *stage.unlabelled)):
                yield False
            self.status(f"{plan.name}: stage {number} of {len(plan.stages)}, {stage.name}")
            trainer, before = prepare(
                plan.network,
                self._lessons(stage),
                weights.parent,
                stage.recipe,
                start=self._start(plan, number),
                seed=plan.seed,
                world=self.world,
                library=self.library,
                status=self.status,
                progress=self.progress,
            )
            yield from trainer.turns(stop)
            finish(trainer, before, average_with=self._named(plan, stage.average_with))
            # A captured step holds memory of the device until nothing holds the run.
            del trainer
            if self.world.leads:
                write_whole(weights.parent / FINISHED, _text(stage))

    def weights(self, plan: Plan) -> Path:
        """The file of a plan's last weights."""
        return self._weights(plan, len(plan.stages))

    def _weights(self, plan: Plan, number: int) -> Path:
        folder = self.root / plan.name / f"{number}-{plan.stages[number - 1].name}"
        return folder / f"{plan.network}.safetensors"

    def _finished(self, folder: Path, stage: Stage) -> bool:
        marker = folder / FINISHED
        if not marker.is_file():
            return False
        if marker.read_bytes() != _text(stage):
            raise InputError(
                f"{folder} holds stage {stage.name} of another plan: give another folder, or "
                "remove it and those after it"
            )
        return True

    def _start(self, plan: Plan, number: int) -> Start:
        if number > 1:
            return Start(weights=self._weights(plan, number - 1), hub=False)
        first = plan.stages[0]
        return Start(
            encoder=self._found(first.encoder) if first.encoder else None,
            weights=self._found(first.weights) if first.weights else None,
            hub=False,
        )

    def _named(self, plan: Plan, names: Sequence[str]) -> list[Path]:
        numbers = [k for k, stage in enumerate(plan.stages, start=1) if stage.name in names]
        return [self._weights(plan, number) for number in numbers]

    def _lessons(self, stage: Stage) -> Lessons:
        return Lessons(
            stage.data,
            [self._found(folder) for folder in stage.unlabelled],
            [self._found(file) for file in stage.teachers],
            stage.held_out,
            stage.fill_holes,
        )

    def _find(self, name: str) -> Path | None:
        places = (Path(name), self.root / name, data_folder() / name, SHIPPED / name)
        return next((place for place in places if _ready(place)), None)

    def _found(self, name: str) -> Path:
        path = self._find(name)
        if path is None:
            raise InputError(f"{name}: not here, not in {self.root} and not in {data_folder()}")
        return path

    def _missing(self, going: dict[str, Any]) -> Iterator[str]:
        for plan in self.plans:
            if plan.name in going:
                for stage in plan.stages:
                    needed = (*stage.teachers, *stage.unlabelled)
                    yield from (name for name in needed if self._find(name) is None)


def _ready(path: Path) -> bool:
    # Weights are written before their record.
    return path.exists() and (path.suffix != ".safetensors" or record_path(path).exists())


def _text(stage: Stage) -> bytes:
    return (json.dumps(stage.to_dict(), indent=2) + "\n").encode()
