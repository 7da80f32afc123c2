"""A network and samples small enough to be trained within a test."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from depthnet import zoo
from depthnet.network import DepthNetwork
from depthnet.training.batches.augmentation import Augmentation
from depthnet.training.batches.data_split import TrainingData
from depthnet.training.batches.samples import Samples
from depthnet.training.loop import Trainer
from depthnet.training.recipe import Recipe

SIZE = (32, 32)
ENTRY = dataclasses.replace(zoo.get("mobiledepth"), name="tiny", input_size=SIZE)

RECIPE = Recipe(
    name="test",
    epochs=3,
    batch=4,
    optimizer="adamw",
    learning_rate=3e-3,
    weight_decay=0.01,
    schedule="one-cycle",
    warmup=0.3,
    clip_norm=50.0,
    ema_decay=0.9,
    channels_last=True,
    augmentation=Augmentation(zoom=1.3, rotation=5.0, brightness=1.2, cut_depth=0.5),
    sample_size=(40, 40),
)


class TinyEncoder(nn.Module):
    """Stands for an encoder."""

    def __init__(self, norm: bool) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.norm = nn.BatchNorm2d(8) if norm else nn.Identity()


class TinyNetwork(DepthNetwork):
    """Two convolutions, batch norm and dropout: all that makes resuming hard."""

    def __init__(self, seed: int = 0, *, norm: bool = True, dropout: float = 0.1) -> None:
        nn.Module.__init__(self)
        self.entry = ENTRY
        self.mean = self.std = (0.5, 0.5, 0.5)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.encoder = TinyEncoder(norm)
            self.dropout = nn.Dropout2d(dropout)
            self.output = nn.Conv2d(8, 1, 3, padding=1)
        nn.init.constant_(self.output.get_parameter("bias"), 4.0)

    def forward(self, image: Tensor) -> Tensor:
        encoder = self.encoder
        return self.output(self.dropout(torch.relu(encoder.norm(encoder.conv(image)))))


def make_samples(count: int, size: tuple[int, int], seed: int = 0) -> Samples:
    """Images whose brightness tells the depth: there is something to learn."""
    generator = torch.Generator().manual_seed(seed)
    levels = torch.rand((count, 1, 3, 3), generator=generator)
    grey = nn.functional.interpolate(levels, size, mode="bilinear")
    images = (255 * grey).byte().expand(-1, 3, -1, -1)
    depths = 1.0 + 4.0 * grey
    depths[:, :, :3, :3] = 0.0
    return Samples(tuple(f"pair {i}" for i in range(count)), images, depths.half())


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    # A network this small waits for its threads longer than it computes.
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def tiny() -> Callable[..., DepthNetwork]:
    return TinyNetwork


@pytest.fixture
def samples() -> Callable[..., Samples]:
    return make_samples


@pytest.fixture
def data() -> TrainingData:
    return TrainingData(
        train=make_samples(14, (40, 40)),
        held_out=make_samples(3, SIZE, seed=1),
        description=[{"data": "made", "split": "train", "pairs": 14, "held_out": 3}],
    )


@pytest.fixture
def trainer(data: TrainingData) -> Callable[..., Trainer]:
    def make(folder: Path, recipe: Recipe = RECIPE, **options: object) -> Trainer:
        given = {"data": data, "network": TinyNetwork(), **options}
        network, samples = given.pop("network"), given.pop("data")
        return Trainer(network, recipe, samples, folder, **given)  # type: ignore[arg-type]

    return make
