"""One training run in several processes, as `torchrun` starts them."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import distributed, nn


@dataclass(frozen=True)
class World:
    """This process among all of a run: its number, how many there are, and its device."""

    process: int = 0
    processes: int = 1
    device: str = "cpu"

    @property
    def leads(self) -> bool:
        """Whether this process validates, logs and writes files."""
        return self.process == 0

    def wrap(self, network: nn.Module) -> nn.Module:
        """The network with gradients averaged over the processes."""
        if self.processes == 1:
            return network
        return nn.parallel.DistributedDataParallel(network)

    def mean(self, *values: float) -> list[float]:
        """The means of numbers over the processes, the same in each of them."""
        if self.processes == 1:
            return list(values)
        total = torch.tensor(values, dtype=torch.float64, device=self.device)
        distributed.all_reduce(total)
        return (total / self.processes).tolist()


@contextmanager
def join(device: str = "cpu") -> Iterator[World]:
    """Join the run that `torchrun` describes in the environment; alone where it does not.

    `device`: `cpu` (gloo) or `cuda` (NCCL, one GPU a process).
    """
    processes = int(os.environ.get("WORLD_SIZE", "1"))
    if processes == 1:
        yield World(device=device)
        return
    if device == "cuda":
        device = f"cuda:{os.environ['LOCAL_RANK']}"
        torch.cuda.set_device(device)
    distributed.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    try:
        yield World(distributed.get_rank(), processes, device)
        # A process that leaves while another still talks to it is aborted.
        distributed.barrier()
    finally:
        distributed.destroy_process_group()
