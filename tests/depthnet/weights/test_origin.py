"""The origin of weights: kept as JSON, printed as a phrase, read from records of training."""

from __future__ import annotations

import json

import pytest

from depthbench.errors import InputError
from depthnet.weights import origin, pretrained
from depthnet.weights.origin import ImageNet, Pruned, Random, Source, Trained, Weights

SHA256 = "4addf4dd7762" + "0" * 52
NYU = (Source("nyu", "train", 763),)

PHRASES = {
    Random(3): "untrained (random, seed 3)",
    ImageNet(0): "untrained (ImageNet encoder, random decoder, seed 0)",
    Weights("mine", SHA256): "weights of mine (4addf4dd7762)",
    Trained(ImageNet(0, "lite2.pth", SHA256), NYU, 45, 1): "trained (ImageNet encoder "
    "(lite2.pth), random decoder, seed 0; 763 pairs of nyu; 45 epochs)",
    Trained(Weights("mine", SHA256), NYU, 229, 7): "trained (mine (4addf4dd7762); "
    "763 pairs of nyu; 229 epochs in 7 stages)",
    Trained(Random(0), NYU, 3, 1, Pruned(30, 40)): "trained (random, seed 0; 763 pairs of nyu; "
    "3 epochs; pruned to 75% of its parameters)",
}


@pytest.mark.parametrize("one", PHRASES, ids=lambda one: one.kind)
def test_it_comes_back_from_json_and_prints_as_a_phrase(one: origin.Origin) -> None:
    text = origin.to_json(one)
    assert json.loads(text)["kind"] == one.kind
    assert origin.from_json(text) == one
    assert str(one) == PHRASES[one]


@pytest.mark.parametrize(
    "text",
    [
        *("", "{", "null", "[]", "3", '"untrained (random, seed 0)"', "{}", '{"kind": "zoo"}'),
        *(
            '{"seed": 1}',
            '{"kind": "random"}',
            '{"kind": "random", "seed": "x"}',
            '{"kind": ["random"]}',
        ),
        *('{"kind": "weights", "file": {}, "sha256": 3}', '{"kind": "trained", "data": 3}'),
        '{"kind": "trained", "trained_from": {"kind": "random", "seed": 0}, "data": [], '
        '"epochs": 1, "stages": 1, "pruned": {"parameters": "many", "of": 2}}',
    ],
)
def test_anything_else_is_refused_in_one_line(text: str) -> None:
    with pytest.raises(InputError, match="no origin of weights") as caught:
        origin.from_json(text)
    assert "\n" not in str(caught.value)


def run(trained_from: dict, epochs: int, **more: dict) -> dict:
    data = [{"data": "rooms", "split": "train", "pairs": 3, "held_out": 1}]
    return {"trained_from": trained_from, "data": data, "epochs": epochs, **more}


def test_the_stages_of_a_training_are_counted_together() -> None:
    first = run({"kind": "random", "seed": 0}, 2)
    second = run({"kind": "weights", "file": "a", "sha256": SHA256}, 5, before=first)
    last = run({"kind": "weights", "file": "b", "sha256": SHA256}, 1, before=second)
    rooms = (Source("rooms", "train", 3),)
    assert origin.of_training(first) == Trained(Random(0), rooms, epochs=2, stages=1)
    assert origin.of_training(last) == Trained(Random(0), rooms, epochs=8, stages=3)


@pytest.mark.parametrize("record", [{}, {"trained_from": "random, seed 0"}, run({}, 1)])
def test_what_is_no_record_of_a_training_is_refused(record: dict) -> None:
    with pytest.raises(InputError, match=r"no (record of a training|origin of weights)"):
        origin.of_training(record)


@pytest.mark.parametrize("name", ["mobilenet_v1_add", "mobilenet_v2_cat"])
def test_the_records_of_plans_tell_their_first_stage(name: str) -> None:
    path = pretrained.weights_path(name)
    assert path
    found = origin.of_training(json.loads(path.with_suffix(".json").read_text()))
    assert found.trained_from.kind == "imagenet"
    assert found.stages > 1


@pytest.mark.parametrize("name", ["mobiledepth", "efficientnet_l2_cat"])
def test_the_records_that_ship_say_from_what_and_on_what_they_were_trained(name: str) -> None:
    path = pretrained.weights_path(name)
    assert path
    found = origin.of_training(json.loads(path.with_suffix(".json").read_text()))
    assert found.data == NYU
    assert found.epochs > 10
    assert found.trained_from.kind != "weights"
