"""Training samples in memory: decoded and resized once, so that the cores serve the network."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from multiprocessing import get_context

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from depthbench.progress import Progress
from depthnet.data import DepthDataset
from depthnet.data.holes import fill_holes
from depthnet.data.rooms.dataset import RoomsDataset
from depthnet.scoring.protocols import resize


@dataclass(frozen=True)
class Samples:
    """Pairs of one size.

    `images`: Nx3xhxw uint8 RGB; `depths`: Nx1xhxw float16 metres, 0 where unknown. `copies`: by
    device, what `on` has made.
    """

    names: tuple[str, ...]
    images: Tensor
    depths: Tensor
    copies: dict[str, Samples] = field(default_factory=dict, compare=False, repr=False)

    def __len__(self) -> int:
        return len(self.names)

    def on(self, device: str) -> Samples:
        """The same samples on a device, one copy for all runs there."""
        if device not in self.copies:
            images, depths = self.images.to(device), self.depths.to(device)
            self.copies[device] = Samples(self.names, images, depths)
        return self.copies[device]

    def first(self, count: int) -> Samples:
        """The first `count` of them, without a copy."""
        return Samples(self.names[:count], self.images[:count], self.depths[:count])


def load_samples(
    dataset: DepthDataset,
    indices: Sequence[int],
    size: tuple[int, int],
    progress: Progress = lambda line: None,
    *,
    fill: bool = False,
) -> Samples:
    """Read the pairs `indices` of a data set at `size` (height, width).

    Images are resized bilinearly with antialiasing, as the scoring protocols do; depth by
    nearest neighbour. `fill`: give pixels without a measurement a depth along the image's
    colours, as `fill_holes` does; a pair without any measurement stays empty. Two threads read,
    in order; rooms are rendered by a process a core.
    """
    images = torch.empty(len(indices), 3, *size, dtype=torch.uint8)
    depths = torch.empty(len(indices), 1, *size, dtype=torch.float16)
    names = []
    with _pool(dataset) as pool:
        resized = pool.map(partial(_resized, dataset, size, fill), indices, chunksize=8)
        for row, (name, image, depth) in enumerate(resized):
            names.append(name)
            images[row] = torch.from_numpy(image.transpose(2, 0, 1))
            depths[row, 0] = torch.from_numpy(depth)
            progress(f"reading {dataset.name}: {row + 1} of {len(indices)}")
    return Samples(tuple(names), images, depths)


def concatenate(parts: Sequence[Samples]) -> Samples:
    """Samples of the same size as one."""
    if len(parts) == 1:
        return parts[0]
    return Samples(
        names=tuple(name for part in parts for name in part.names),
        images=torch.cat([part.images for part in parts]),
        depths=torch.cat([part.depths for part in parts]),
    )


def _pool(dataset: DepthDataset) -> Executor:
    if not isinstance(dataset, RoomsDataset):
        return ThreadPoolExecutor(max_workers=2)
    # A process forked from one that has started a GPU or threads may hang.
    return ProcessPoolExecutor(mp_context=get_context("spawn"))


def _resized(
    dataset: DepthDataset, size: tuple[int, int], fill: bool, index: int
) -> tuple[str, NDArray, NDArray]:
    pair = dataset[index]
    picture = Image.fromarray(pair.image)
    if picture.size != size[::-1]:
        picture = picture.resize(size[::-1], Image.Resampling.BILINEAR)
    image = np.array(picture)
    depth = resize(pair.depth, size, Image.Resampling.NEAREST)
    if fill and depth.any():
        depth = fill_holes(image, depth)
    return pair.name, image, depth.astype(np.float16)
