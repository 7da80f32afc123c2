"""The loop: it learns, it is deterministic, and a killed run resumes to the bit."""

from __future__ import annotations

import csv
import dataclasses
import os
import resource
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from depthbench.errors import InputError
from depthnet import depth_space
from depthnet.network import DepthNetwork, weights_sha256
from depthnet.training.batches.data_split import TrainingData
from depthnet.training.loop import CHECKPOINT, Diverged, Trainer
from depthnet.training.objectives.objective import Objective
from depthnet.training.progress import Moment
from depthnet.training.recipe import Recipe
from depthnet.training.validation import validate

MakeTrainer = Callable[..., Trainer]

RECIPE = Recipe(name="test")


class Killed(Exception):
    """Stands for SIGKILL: nothing of the run survives but its files."""


def kill_after(steps: int) -> Callable[[Moment], None]:
    def progress(moment: Moment) -> None:
        if moment.done == steps:
            raise Killed

    return progress


def test_the_loss_falls_and_the_scores_are_logged(
    tmp_path: Path,
    trainer: MakeTrainer,
    tiny: Callable[..., DepthNetwork],
    data: TrainingData,
) -> None:
    assert data.held_out is not None
    plain = Recipe(name="plain", epochs=12, batch=2, learning_rate=0.01, sample_size=(40, 40))
    untrained = validate(tiny(dropout=0.0), data.held_out)
    trainer(tmp_path, plain, network=tiny(dropout=0.0)).run()
    with (tmp_path / "log.csv").open(newline="") as lines:
        rows = list(csv.DictReader(lines))
    assert [row["epoch"] for row in rows] == [str(epoch) for epoch in range(1, 13)]
    assert float(rows[-1]["loss"]) < 0.5 * float(rows[0]["loss"])
    assert float(rows[-1]["rmse"]) < 0.7 * untrained["rmse"]


def test_the_same_seed_gives_the_same_weights_and_another_seed_others(
    tmp_path: Path, trainer: MakeTrainer
) -> None:
    hashes = [
        weights_sha256(trainer(tmp_path / str(run), seed=seed).run())
        for run, seed in enumerate((0, 0, 1))
    ]
    assert hashes[0] == hashes[1] != hashes[2]


@pytest.fixture(scope="module")
def whole() -> dict[str, Any]:
    return {}


# 14 samples in batches of 4 are 3 steps an epoch, 9 altogether.
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(kills=st.lists(st.integers(1, 8), min_size=1, max_size=3, unique=True))
def test_a_run_killed_at_any_step_resumes_to_the_bit(
    tmp_path_factory: pytest.TempPathFactory,
    trainer: MakeTrainer,
    whole: dict[str, Any],
    kills: list[int],
) -> None:
    if not whole:
        unbroken = trainer(tmp_path_factory.mktemp("whole"))
        unbroken.run()
        whole |= outcome(unbroken)
    folder = tmp_path_factory.mktemp("killed")
    for steps in sorted(kills):
        with pytest.raises(Killed):
            trainer(folder, checkpoint_every_s=0.0, progress=kill_after(steps)).run()
    resumed = trainer(folder, checkpoint_every_s=0.0)
    # The kill comes before the checkpoint of its step.
    assert resumed.position.epoch * 3 + resumed.position.step == max(kills) - 1
    resumed.run()
    assert outcome(resumed) == whole


def outcome(trainer: Trainer) -> dict[str, Any]:
    """All that a run leaves behind but the time it took."""
    timeless = [
        {key: value for key, value in row.items() if key not in ("hours", "images_per_s")}
        for row in trainer.position.rows
    ]
    kept, learning = weights_sha256(trainer.result), weights_sha256(trainer.network)
    return {"kept": kept, "learning": learning, "log": timeless}


def test_a_finished_run_is_not_trained_again(tmp_path: Path, trainer: MakeTrainer) -> None:
    expected = weights_sha256(trainer(tmp_path).run())
    told: list[Moment] = []
    assert weights_sha256(trainer(tmp_path, progress=told.append).run()) == expected
    assert not told


@pytest.mark.parametrize("which", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_run_after_the_step_with_a_checkpoint(
    tmp_path: Path, trainer: MakeTrainer, which: signal.Signals
) -> None:
    expected = weights_sha256(trainer(tmp_path / "whole").run())
    before = signal.getsignal(which)

    def interrupt(moment: Moment) -> None:
        if moment.done == 4:
            os.kill(os.getpid(), which)

    with pytest.raises(KeyboardInterrupt):
        trainer(tmp_path / "cut", progress=interrupt).run()
    assert signal.getsignal(which) is before
    resumed = trainer(tmp_path / "cut")
    # The signal comes after step 4 was decided; step 5 sees it and is the last.
    assert (resumed.position.epoch, resumed.position.step) == (1, 2)
    assert weights_sha256(resumed.run()) == expected


def test_training_leaves_the_callers_random_state_alone(
    tmp_path: Path, trainer: MakeTrainer
) -> None:
    made = trainer(tmp_path)
    torch.manual_seed(5)
    expected = torch.rand(1)
    torch.manual_seed(5)
    made.run()
    assert torch.rand(1) == expected


def poison(network: DepthNetwork) -> Callable[[Moment], None]:
    def progress(moment: Moment) -> None:
        if moment.done == 5:
            with torch.no_grad():
                next(network.parameters()).fill_(float("nan"))

    return progress


def test_nan_ends_the_run_in_one_line_and_keeps_the_last_good_checkpoint(
    tmp_path: Path, trainer: MakeTrainer
) -> None:
    made = trainer(tmp_path)
    made.progress = poison(made.network)
    made._step(False)
    made.save()
    good = (tmp_path / CHECKPOINT).read_bytes()
    with pytest.raises(Diverged, match=r"epoch 2, step 3 \(loss nan.*last good") as caught:
        made.run()
    assert "\n" not in str(caught.value)
    assert caught.value.exit_code == 1
    assert (tmp_path / CHECKPOINT).read_bytes() == good
    assert all(t.isfinite().all() for t in trainer(tmp_path).network.state_dict().values())


def test_a_loss_that_grows_out_of_bounds_ends_the_run(tmp_path: Path, trainer: MakeTrainer) -> None:
    recipe = Recipe(name="slow", epochs=9, batch=4, learning_rate=1e-5, sample_size=(40, 40))
    made = trainer(tmp_path, recipe)

    def blow_up(moment: Moment) -> None:
        if moment.done == 12:
            with torch.no_grad():
                next(made.network.parameters()).mul_(1e5)
                made.network.get_parameter("output.weight").mul_(1e5)

    made.progress = blow_up
    with pytest.raises(Diverged, match=r"at the start .* lower the learning rate"):
        made.run()


def test_a_checkpoint_of_another_run_is_refused_with_what_differs(
    tmp_path: Path, trainer: MakeTrainer
) -> None:
    trainer(tmp_path).run()
    with pytest.raises(InputError, match="seed 0 there, 7 here"):
        trainer(tmp_path, seed=7)
    with pytest.raises(InputError, match=r"recipe\.epochs 3 there, 20 here"):
        trainer(tmp_path, Recipe(name="test", sample_size=(40, 40)))


def test_a_full_disk_leaves_the_last_good_checkpoint(tmp_path: Path, trainer: MakeTrainer) -> None:
    made = trainer(tmp_path)
    made.save()
    good = (tmp_path / CHECKPOINT).read_bytes()
    made._step(False)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    ignored = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        with pytest.raises(OSError, match="File too large"):
            made.save()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, ignored)
    assert (tmp_path / CHECKPOINT).read_bytes() == good
    assert {path.name for path in tmp_path.iterdir()} == {CHECKPOINT, "log.csv"}


def test_progress_counts_up_to_the_end(tmp_path: Path, trainer: MakeTrainer) -> None:
    told: list[Moment] = []
    trainer(tmp_path, progress=told.append).run()
    assert [moment.done for moment in told] == list(range(1, 10))
    assert {moment.total for moment in told} == {9}
    assert [moment.epoch for moment in told] == [1, 1, 1, 2, 2, 2, 3, 3, 3]
    assert told[-1].seconds_left == 0


@pytest.mark.parametrize(("space", "span"), [("normal", 0.99), ("inverse", 99.0), ("log", 4.60517)])
def test_the_objective_knows_the_width_of_its_space(
    space: depth_space.DepthSpace, span: float
) -> None:
    assert Objective(RECIPE, space).span == pytest.approx(span, rel=1e-5)


def test_a_teacher_counts_where_the_truth_is_unknown() -> None:
    objective = Objective(RECIPE, "inverse")
    truth = torch.zeros(1, 1, 16, 16)
    taught = torch.full_like(truth, 2.0)
    right, wrong = (depth_space.encode(d, "inverse") for d in (taught, taught + 1.0))
    both = torch.cat((truth, taught), dim=1)
    rays = torch.zeros(1, 2, 3)
    assert objective(right, both, rays).item() == pytest.approx(0.0, abs=1e-5)
    assert objective(wrong, both, rays) > 0.1
    assert objective(wrong, truth, rays).item() == 0.0


def test_a_loss_of_logarithms_is_refused_for_log_depth() -> None:
    with pytest.raises(InputError, match="log depth"):
        Objective(dataclasses.replace(RECIPE, loss="ratio"), "log")
