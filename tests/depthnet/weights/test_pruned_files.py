"""A file of a pruned network's weights gives that network, wherever weights are read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from depthbench.errors import InputError
from depthnet import complexity, network, zoo
from depthnet.network import (
    DeployedNetwork,
    DepthNetwork,
    EncoderDecoder,
    normalised,
    weights_sha256,
)
from depthnet.pruning.groups import channel_groups
from depthnet.pruning.pruned import pruned
from depthnet.training import checkpoint
from depthnet.training.batches.data_split import TrainingData
from depthnet.training.batches.samples import Samples
from depthnet.training.loop import CHECKPOINT, Trainer
from depthnet.training.objectives.teacher import channels_of, load_teacher
from depthnet.training.recipe import Recipe
from depthnet.weights.formats import load_weights, network_of, record_path, save_weights
from depthnet.weights.origin import Pruned, Random, Source, Trained, Weights
from depthnet.weights.pretrained import build, open_network, origin_of

NAME = "mobilenet_v2_cat"
ENTRY = zoo.get(NAME)
TRAINING = {
    "trained_from": {"kind": "random", "seed": 1},
    "data": [{"data": "rooms", "split": "train", "pairs": 3}],
    "epochs": 2,
}


@pytest.fixture(scope="module")
def whole() -> DepthNetwork:
    return network.build(ENTRY, pretrained=False)[0]


@pytest.fixture(scope="module")
def smaller(whole: DepthNetwork) -> DepthNetwork:
    """Half of every group; weights that fp16 holds, so that files give back the same."""
    groups = channel_groups(whole)
    result = pruned(whole, {g.name: range(0, g.units, 2) for g in groups})
    state = {k: t.half().float() if t.dim() > 1 else t for k, t in result.state_dict().items()}
    result.load_state_dict(state)
    return result


@pytest.fixture
def saved(tmp_path: Path, smaller: DepthNetwork) -> Path:
    path = tmp_path / "smaller.safetensors"
    save_weights(smaller, path, {"before": TRAINING})
    return path


def test_the_file_gives_the_same_network(saved: Path, smaller: DepthNetwork) -> None:
    opened, record = open_network(saved)
    assert weights_sha256(opened) == weights_sha256(smaller)
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        assert torch.equal(opened(image), smaller(image))
    assert smaller.pruned is not None
    assert opened.pruned == smaller.pruned == Pruned(**record["pruned"])
    assert network_of(saved) == NAME


def test_its_origin_says_from_what_it_was_pruned(saved: Path) -> None:
    _, origin = build(ENTRY, saved)
    assert isinstance(origin, Trained)
    assert origin.data == (Source("rooms", "train", 3),)
    assert origin.trained_from == Random(1)
    assert (origin.epochs, origin.stages) == (2, 1)
    assert origin.pruned is not None
    left = origin.pruned.parameters / origin.pruned.of
    assert str(origin).endswith(f"2 epochs; pruned to {left:.0%} of its parameters)")


def test_without_a_training_only_the_file_is_known(saved: Path, smaller: DepthNetwork) -> None:
    record = save_weights(smaller, saved, {})
    assert origin_of(saved, record) == Weights("smaller", record["file"]["sha256"])


def test_parameters_and_macs_are_counted_of_what_is_left(
    whole: DepthNetwork, smaller: DepthNetwork
) -> None:
    one = next(g for g in channel_groups(whole) if g.name == "decoder.blocks.4.1.0")
    narrow = pruned(whole, {one.name: range(one.units - 5)})
    before, after = (complexity.measure(n, (64, 64)) for n in (whole, narrow))
    # The last block's pointwise convolution has 64 inputs and 24 of a skip, at 32x32; the output's
    # has one weight a channel, at 64x64; batch norm has two parameters.
    assert before.parameters - after.parameters == 5 * (88 + 2 + 1)
    assert before.macs_conv - after.macs_conv == 5 * (88 * 32 * 32 + 64 * 64)
    counted = complexity.measure(smaller, (64, 64)).parameters
    assert smaller.pruned == Pruned(counted, before.parameters)


def test_an_encoder_says_how_many_channels_are_left(smaller: DepthNetwork) -> None:
    assert isinstance(smaller, EncoderDecoder)
    deepest, taps = smaller.encoder(normalised(torch.rand(1, 3, 64, 64), smaller))
    maps = {**taps, 32: deepest}
    assert channels_of(smaller.encoder) == {stride: x.shape[1] for stride, x in maps.items()}


def test_it_is_pruned_again_and_remembers_what_it_was(saved: Path, whole: DepthNetwork) -> None:
    opened, _ = open_network(saved)
    assert opened.pruned is not None
    again = pruned(opened, {g.name: range(g.units - 1) for g in channel_groups(opened)})
    save_weights(again, saved, {})
    restored, _ = open_network(saved)
    assert restored.pruned == again.pruned
    assert restored.pruned is not None
    assert restored.pruned.of == opened.pruned.of
    assert restored.pruned.parameters < opened.pruned.parameters


def test_it_teaches_the_depth_that_it_predicts(saved: Path, smaller: DepthNetwork) -> None:
    image = torch.rand(1, 3, 64, 64)
    _, depth = load_teacher(saved)(image)
    assert depth is not None
    with torch.no_grad():
        torch.testing.assert_close(depth, DeployedNetwork(smaller)(image))


def test_it_is_trained_on_and_a_checkpoint_of_it_is_read(saved: Path, tmp_path: Path) -> None:
    opened, _ = open_network(saved)
    left = opened.pruned
    assert left is not None
    recipe = Recipe(name="test", epochs=1, batch=2, ema_decay=0.9, input_size=(64, 64))
    images = torch.randint(0, 255, (4, 3, 64, 64), dtype=torch.uint8)
    samples = Samples(tuple("abcd"), images, torch.ones(4, 1, 64, 64, dtype=torch.half))
    data = TrainingData(samples, None, [{"data": "made", "split": "train", "pairs": 4}])
    before = weights_sha256(opened)
    trained = Trainer(opened, recipe, data, tmp_path / "run", origin=Random(0)).run()
    assert weights_sha256(trained) != before
    assert trained.pruned == left
    assert network_of(tmp_path / "run" / CHECKPOINT) == NAME
    assert checkpoint.load(tmp_path / "run" / CHECKPOINT).identity["pruned"]["of"] == left.of
    restored, _ = open_network(tmp_path / "run" / CHECKPOINT)
    assert weights_sha256(restored) == weights_sha256(trained)


def damage(path: Path, tensors: dict[str, Tensor], name: str = NAME) -> Path:
    record_path(path).unlink(missing_ok=True)
    header = {"network": name, "pruned": {"parameters": 1, "of": 2}}
    save_file(tensors, path, {"depthbench": json.dumps(header)})
    return path


def test_a_file_of_a_pruned_network_that_does_not_fit_is_refused(saved: Path) -> None:
    good = load_file(saved)
    kernel, norm = "decoder.blocks.4.1.0.weight", "decoder.blocks.4.1.1.bias"
    cases = {
        "its widths do not go together": {**good, kernel: good[kernel][:-1]},
        "do not go together": {**good, norm: good[norm][:-1]},
        "1 missing": {key: tensor for key, tensor in good.items() if key != norm},
        "1 of another shape": {**good, kernel: torch.zeros(4096, 32, 1, 1)},
        r"another shape \(decoder.blocks.4.1.0": {**good, kernel: torch.zeros(16, 32, 3, 3)},
    }
    for message, tensors in cases.items():
        with pytest.raises(InputError, match=message) as caught:
            open_network(damage(saved, tensors))
        assert "\n" not in str(caught.value)
        assert str(saved) in str(caught.value)


def test_a_file_of_another_network_is_named_as_such(saved: Path) -> None:
    other, _ = network.build(zoo.get("fastdepth_pruned"), pretrained=False)
    with pytest.raises(InputError, match=f"weights of {NAME}, does not fit network fastdepth"):
        load_weights(other, saved)


def test_weights_of_other_shapes_are_no_pruned_network_unless_they_say_so(saved: Path) -> None:
    tensors = load_file(saved)
    record_path(saved).unlink()
    save_file(tensors, saved)
    with pytest.raises(InputError, match="of another shape"):
        open_network(saved, ENTRY)
