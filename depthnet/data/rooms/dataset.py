"""Rendered rooms as a data set: pair i of a seed and split is always the same pair."""

from __future__ import annotations

import numpy as np

from depthnet.data.pair import DepthPair, make_pair
from depthnet.data.rooms.camera import NYU_SIZE
from depthnet.data.rooms.cast import cast
from depthnet.data.rooms.sampling import sample_scene
from depthnet.data.rooms.sensor import photograph
from depthnet.data.rooms.shading import shade
from depthnet.data.splits import SPLITS, at, check_split, take

COUNTS = {"train": 2000, "test": 654}


class RoomsDataset:
    """`rooms`: indoor scenes drawn at random and rendered when asked for, with exact depth.

    `seed`: another seed is another data set. `split`: no scene of one split is in the other.
    `limit`: how many pairs, by default 2000 for training and NYU's 654 for testing; training
    takes as many as are asked for. `size`: height and width in pixels; the field of view is
    that of NYU's camera at any size. Depth is float32, 0.4 to 10 m, valid everywhere.
    """

    def __init__(
        self,
        seed: int = 0,
        split: str = "test",
        limit: int | None = None,
        size: tuple[int, int] = NYU_SIZE,
    ) -> None:
        self.seed = seed
        self.split = check_split(split)
        self.size = size
        count = COUNTS[split] if split == "test" or limit is None else limit
        self._indices = take(range(count), limit, split, self.name)

    @property
    def name(self) -> str:
        """`rooms`, or `rooms:SEED`."""
        return f"rooms:{self.seed}" if self.seed else "rooms"

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: int) -> DepthPair:
        index = at(self._indices, index)
        # The split is part of the seed, so the two streams never meet.
        sequence = np.random.SeedSequence([self.seed, SPLITS.index(self.split), index])
        rng = np.random.Generator(np.random.PCG64(sequence))
        scene = sample_scene(rng, self.size)
        depth, solids = cast(scene.camera, scene.room, scene.solids)
        image = photograph(shade(scene, depth, solids), rng)
        return make_pair(f"{self.split}/{index:05d}", image, depth, self.name)
