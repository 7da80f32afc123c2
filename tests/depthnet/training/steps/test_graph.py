"""Steps told ahead, as a GPU takes them: the same weights as one at a time."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import pytest
import torch

from depthnet.network import DepthNetwork
from depthnet.training.loop import Trainer
from depthnet.training.recipe import Recipe
from depthnet.training.steps.graph import GraphedSteps
from depthnet.training.watch import Diverged

RECIPE = Recipe(
    name="test",
    epochs=4,
    batch=4,
    optimizer="adamw",
    learning_rate=3e-3,
    schedule="one-cycle",
    warmup=0.3,
    ema_decay=0.9,
    sample_size=(40, 40),
    validations=2,
)


class Nothing:
    """Stands for a stream and an event of a GPU that is always done."""

    def __init__(self, *_: Any) -> None:
        pass

    def wait_stream(self, _: Any) -> None:
        pass

    def record(self) -> None:
        pass

    def synchronize(self) -> None:
        pass

    def query(self) -> bool:
        return True


class Ungraphed(GraphedSteps):
    """The steps that a graph would replay, made one by one."""

    def _next(self) -> None:
        self._step()


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "Stream", Nothing)
    monkeypatch.setattr(torch.cuda, "Event", Nothing)
    monkeypatch.setattr(torch.cuda, "current_stream", Nothing)
    monkeypatch.setattr(torch.cuda, "stream", lambda _: nullcontext())
    monkeypatch.setattr(torch.Tensor, "pin_memory", lambda tensor: tensor)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", False)


@pytest.mark.parametrize(("chunk", "radius"), [(2, 0.0), (5, 0.05), (100, 0.0)])
def test_steps_that_are_told_ahead_are_those_of_the_loop(
    tmp_path: Path,
    trainer: Callable[..., Trainer],
    tiny: Callable[..., DepthNetwork],
    no_gpu: None,
    monkeypatch: pytest.MonkeyPatch,
    chunk: int,
    radius: float,
) -> None:
    monkeypatch.setattr("depthnet.training.loop.CHUNK", chunk)
    recipe = dataclasses.replace(RECIPE, sam_radius=radius)
    one_by_one = trainer(tmp_path / "loop", recipe, network=tiny(dropout=0.0, norm=False))
    ahead = trainer(tmp_path / "ahead", recipe, network=tiny(dropout=0.0, norm=False))
    ahead.graphed = Ungraphed(ahead.step, ahead.batches, ahead._rate, "cpu")
    expected, given = one_by_one.run(), ahead.run()
    for name, tensor in given.state_dict().items():
        torch.testing.assert_close(tensor, expected.state_dict()[name], rtol=1e-3, atol=1e-5)
    rows = ahead.position.rows
    assert [row["epoch"] for row in rows] == [1, 2, 3, 4]
    assert ["delta1" in row for row in rows] == [False, True, False, True]
    for ours, theirs in zip(rows, one_by_one.position.rows, strict=True):
        for key in ("epoch", "step", "loss", "delta1", "learning_rate"):
            assert ours.get(key, 0.0) == pytest.approx(theirs.get(key, 0.0), rel=1e-3)


def test_a_loss_that_is_not_finite_is_seen_when_the_steps_are_looked_at(
    tmp_path: Path, trainer: Callable[..., Trainer], no_gpu: None
) -> None:
    made = trainer(tmp_path, RECIPE)
    made.graphed = Ungraphed(made.step, made.batches, made._rate, "cpu")
    with torch.no_grad():
        next(made.network.parameters()).fill_(float("nan"))
    with pytest.raises(Diverged, match="training diverged in epoch 1, step 1"):
        made.run()
