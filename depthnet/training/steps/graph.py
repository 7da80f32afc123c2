"""Steps on a GPU: one CUDA graph, replayed, that finds all it needs on the device."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from depthnet.training.batches.loader import Batches
from depthnet.training.steps.step import Step

CHUNK = 100
"""Steps at most between two looks at the losses."""

ALGORITHMS = 3
"""How many of cuDNN's kernels for a convolution are tried; the best is nearly always among them."""

WARM = 3
"""Steps before the capture: cuDNN chooses its kernels, the optimizer makes its state."""


class GraphedSteps:
    """The steps of a run as replays of one CUDA graph on a stream of their own.

    The samples lie on the device, which cuts, turns and colours them as well. What a step is
    told, the rows of its batch, its random numbers and its learning rate, is written ahead for
    `CHUNK` steps; a counter on the device says which is next. So the host has nothing to do but
    to ask for a replay, and several runs keep one device busy together.
    """

    def __init__(
        self, step: Step, batches: Batches, rate: Callable[[int], float], device: str
    ) -> None:
        self.step = step
        self.rate = rate
        self.device = device
        self.host = batches
        self.batches = Batches(
            batches.samples.on(device),
            batches.recipe,
            batches.size,
            seed=batches.seed,
            sizes=batches.sizes,
            device=device,
        )
        torch.backends.cudnn.benchmark = True
        torch.backends.cudnn.benchmark_limit = ALGORITHMS
        self.stream = torch.cuda.Stream(device)
        self.event = torch.cuda.Event()
        self.count = 0
        self.graph: torch.cuda.CUDAGraph | None = None
        self.done = 0
        example = batches.draws(0, 0)
        self.counter = torch.zeros(1, dtype=torch.long, device=device)
        self.rows = torch.zeros(CHUNK, len(example), dtype=torch.long, device=device)
        self.draws = torch.zeros(CHUNK, *example.shape, device=device)
        # Of every step: the learning rate, and how much its weights count in the average.
        self.rates = torch.zeros(CHUNK, 2, device=device)
        # Of every step: its loss, and the norm of its gradient.
        self.results = torch.zeros(CHUNK, 2, device=device)
        for group in step.optimizer.param_groups:
            group["lr"] = torch.zeros((), device=device)

    def start(self, first: int, count: int) -> None:
        """Ask for `count` steps from step `first` of the run; returns before they are done."""
        numbers = range(first, first + count)
        places = [divmod(number, len(self.host)) for number in numbers]
        self.stream.wait_stream(torch.cuda.current_stream(self.device))
        with torch.cuda.stream(self.stream):
            _fill(self.rows, torch.tensor([self.host.indices(*place) for place in places]))
            _fill(self.draws, torch.stack([self.host.draws(*place) for place in places]))
            shares = [self.step.share(number) for number in numbers]
            _fill(self.rates, torch.tensor([[self.rate(number) for number in numbers], shares]).T)
            self.counter.zero_()
            for _ in numbers:
                self._next()
            self.event.record()
        self.count = count

    def ready(self) -> bool:
        """Whether the steps that were asked for are done."""
        return bool(self.event.query())

    def finish(self) -> list[tuple[float, float]]:
        """Wait for the steps that were asked for: the loss and norm of each."""
        self.event.synchronize()
        return [(loss, norm) for loss, norm in self.results[: self.count].tolist()]

    def _next(self) -> None:
        if self.graph is not None:
            self.graph.replay()
        elif self.done < WARM:
            self._step()
        else:
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph, stream=self.stream, capture_error_mode="thread_local"):
                self._step()
            self.graph = graph
            graph.replay()
        self.done += 1

    def _step(self) -> None:
        rows = self.rows.index_select(0, self.counter)[0]
        draws = self.draws.index_select(0, self.counter)[0]
        rate, share = self.rates.index_select(0, self.counter)[0].unbind()
        for group in self.step.optimizer.param_groups:
            group["lr"].copy_(rate * group["share"])
        loss, norm = self.step.gradient(*self.batches.prepare(rows, draws))
        self.step.apply(share)
        self.results.index_copy_(0, self.counter, torch.stack((loss, norm)).float()[None])
        self.counter += 1


def _fill(table: Tensor, values: Tensor) -> None:
    """Write the first rows of a table on the device without waiting for it."""
    table[: len(values)].copy_(values.contiguous().pin_memory(), non_blocking=True)
