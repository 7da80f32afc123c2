"""The published schema, held against the code by another library, and against real records."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from copy import deepcopy
from pathlib import Path
from typing import Any

import jsonschema
import numpy as np
import pytest
from numpy.typing import NDArray

from bench.accuracy.evaluate import measure_accuracy
from bench.models import load_model
from bench.paper.networks import record_complexity
from bench.records.record import Record
from bench.records.schema import KINDS, json_schema
from bench.records.validation import find_fault
from bench.runtimes.base import Runtime
from depthnet.data import open_dataset
from depthnet.scoring import protocols
from depthnet.weights.origin import ImageNet, Random, Source, Trained, Weights, to_dict

PUBLISHED = Path(__file__).parents[3] / "docs" / "record.schema.json"
ODD: list[Any] = [None, "x", "", True, -1, 0.5, [], [None], ["x"], [[1.0]], {}, {"name": 1}]

Make = Callable[..., Record]


@pytest.fixture(scope="module")
def published() -> jsonschema.Draft202012Validator:
    schema = json.loads(PUBLISHED.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


def test_what_is_published_is_what_the_code_holds_records_to() -> None:
    assert json.loads(PUBLISHED.read_text()) == json_schema(), (
        "write it again: python -m bench.records.schema > docs/record.schema.json"
    )


@pytest.mark.parametrize("kind", KINDS)
def test_another_library_takes_and_refuses_the_same_records(
    kind: str, published: jsonschema.Draft202012Validator, make_record: Make
) -> None:
    whole = make_record(kind)
    assert published.is_valid(whole)
    refused = 0
    for name in whole:
        without = {key: value for key, value in whole.items() if key != name}
        changed = [without, *({**whole, name: odd} for odd in ODD)]
        for record in changed:
            fault = find_fault(record)
            if "mixed units" not in fault:
                assert published.is_valid(record) == (not fault), (name, record.get(name), fault)
            refused += bool(fault)
    assert refused > 50


@pytest.mark.parametrize(
    "origin",
    [
        Random(0),
        ImageNet(0),
        Weights("w.pth", "ab" * 32),
        Trained(Random(0), (Source("nyu", "train", 795),), epochs=20, stages=1),
    ],
)
def test_every_origin_of_weights_is_of_the_published_schema(
    origin: Any, published: jsonschema.Draft202012Validator, make_record: Make
) -> None:
    record = make_record(origin=to_dict(origin))
    published.validate(record)
    assert find_fault(record) == ""


class Flat(Runtime):
    """Sees a wall at two metres."""

    name = "flat"

    def run(self, inputs: Mapping[str, NDArray]) -> dict[str, NDArray]:
        (image,) = inputs.values()
        return {"depth": np.full((1, 1, *image.shape[2:]), 2.0, np.float32)}

    def describe(self) -> dict[str, Any]:
        return {"threads": 1, "precision": "fp32"}


def test_records_that_the_code_makes_are_of_the_published_schema(
    published: jsonschema.Draft202012Validator, tiny_onnx: Path
) -> None:
    rooms, rule = open_dataset("rooms", "test", 1), protocols.get("paper")
    for record in (
        record_complexity("mobiledepth"),
        measure_accuracy(load_model(tiny_onnx), Flat(), rooms, rule),
    ):
        published.validate(json.loads(json.dumps(deepcopy(record), allow_nan=False)))
        assert find_fault(record) == ""
