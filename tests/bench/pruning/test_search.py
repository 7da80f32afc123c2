"""A search over a small network, its cycles told from its multiply-adds."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from itertools import pairwise

import pytest
import torch

from bench.pruning.counted_network import Count
from bench.pruning.fine_tuning import Lessons
from bench.pruning.search import Pace, Search
from bench.pruning.search_state import FILE, open_state
from depthbench.errors import InputError
from depthnet import network, zoo
from depthnet.complexity import measure
from depthnet.network import DepthNetwork
from depthnet.training.batches.data_split import TrainingData
from depthnet.training.batches.samples import Samples
from depthnet.weights.formats import file_sha256
from depthnet.weights.origin import Weights
from depthnet.weights.pretrained import open_network

SIZE = (32, 32)
NAME = "fastdepth_pruned"
PACE = Pace(step=0.08, finalists=2, pairs=4)
SHARE = 0.86


def small(built: DepthNetwork) -> DepthNetwork:
    built.entry = dataclasses.replace(built.entry, input_size=SIZE)
    return built


def samples(count: int, seed: int) -> Samples:
    generator = torch.Generator().manual_seed(seed)
    images = torch.randint(0, 256, (count, 3, *SIZE), generator=generator, dtype=torch.uint8)
    depths = images[:, :1].half() / 64 + 1
    return Samples(tuple(map(str, range(count))), images, depths)


def count(narrow: DepthNetwork) -> Count:
    """As if a multiply-add took an eighth of a cycle, and all else 10,000 cycles."""
    macs = measure(narrow).macs_conv
    return Count(macs / 8 + 1e4, macs)


@pytest.fixture(scope="module")
def search(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Search]:
    """A search in a folder; the same again in the same folder."""
    root = tmp_path_factory.mktemp("search")
    torch.set_num_threads(1)
    described = [{"data": "made up", "split": "train", "pairs": 6, "held_out": 2}]
    data = TrainingData(samples(6, 0), samples(2, 1), described, [6])
    lessons = Lessons(data, [], Weights("first", "0" * 64), 0)

    def make(
        folder: str, counter: Callable[[DepthNetwork], Count] = count, pace: Pace = PACE
    ) -> Search:
        first, _ = network.build(zoo.get(NAME), pretrained=False)
        place = root / folder
        return Search(
            *(small(first), lessons, pace, 4, counter),
            *(lambda path: small(open_network(path)[0]), {}),
            *(open_state(place, {"share": SHARE}), place),
        )

    return make


def run(found: Search) -> Search:
    found.begin()
    found.run(SHARE * found.state.start["cycles"])
    return found


@pytest.fixture(scope="module")
def whole(search: Callable[..., Search]) -> Search:
    """A search that nothing interrupted."""
    return run(search("whole"))


def test_every_step_saves_and_the_last_is_within_the_budget(whole: Search) -> None:
    found = whole
    cycles = [found.state.start["cycles"], *(step["cycles"] for step in found.state.steps)]
    assert all(after < before for before, after in pairwise(cycles))
    assert cycles[-1] <= SHARE * cycles[0] < cycles[-2]
    assert count(found.network()).cycles == cycles[-1]
    for step in found.state.steps:
        # all of these cycles are of multiply-adds, which the table knows
        assert step["estimated_cycles"] == pytest.approx(step["cycles"], rel=0.01)
        assert step["held_out"]["delta1"] == max(row["delta1"] for row in step["tuned"])
        assert step["widths"][step["group"]] == step["channels"][1]
        assert step["channels"][1] % 4 == 0


def test_an_interrupted_search_comes_to_the_same_network(
    search: Callable[..., Search], whole: Search
) -> None:
    counted = 0

    def until_the_fourth(narrow: DepthNetwork) -> Count:
        nonlocal counted
        counted += 1
        if counted % 4 == 0:
            raise KeyboardInterrupt
        return count(narrow)

    for _ in range(100):
        try:
            parts = run(search("parts", until_the_fourth))
            break
        except KeyboardInterrupt:
            continue
    assert counted > 4
    assert len(parts.state.table) == len(whole.state.table)
    last = len(whole.state.steps)
    assert file_sha256(parts.weights(last)) == file_sha256(whole.weights(last))


def test_a_search_that_cannot_save_enough_says_so(search: Callable[..., Search]) -> None:
    with pytest.raises(InputError, match="no group of channels can save"):
        run(search("stuck", pace=Pace(step=0.5)))


def test_the_folder_of_another_search_is_refused(search: Callable[..., Search]) -> None:
    found = search("other")
    found.state.identity = {"share": 0.5}
    found.begin()
    with pytest.raises(InputError, match="of another run"):
        search("other")
    (found.folder / FILE).write_text("{")
    with pytest.raises(InputError, match="not a search"):
        search("other")
