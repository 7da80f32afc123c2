"""Values of a TOML file against the fields of a dataclass."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import Literal

import pytest

from depthbench.errors import InputError
from depthbench.toml_types import check_types


@dataclass
class Fields:
    name: str = ""
    count: int = 0
    share: float = 0.0
    whole: bool = False
    kind: Literal["a", "b"] = "a"
    names: tuple[str, ...] = ()
    size: tuple[int, int] | None = None


@pytest.mark.parametrize(
    "text",
    [
        *('name = "x"', "count = 3", "share = 0.5", "share = 1", "whole = true", 'kind = "b"'),
        *("names = []", 'names = ["x", "y"]', "size = [3, 4]"),
    ],
)
def test_a_value_of_its_field_s_type_is_taken(text: str) -> None:
    check_types(tomllib.loads(text), Fields, "file")


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("name = 3", "text"),
        ("count = 3.0", "a whole number"),
        ("count = true", "a whole number"),
        ('share = "1"', "a number"),
        ("whole = 1", "true or false"),
        ('kind = "c"', "one of a, b"),
        ("kind = [1]", "one of a, b"),
        ('names = "x"', "a list, each text"),
        ("names = [3]", "a list, each text"),
        ("size = [3]", "a list of 2, each a whole number"),
        ("size = 3", "a list of 2, each a whole number"),
    ],
)
def test_a_value_of_another_type_is_named_with_what_to_give(text: str, wanted: str) -> None:
    key = text.split()[0]
    with pytest.raises(InputError, match=f"file: {key} is .*; give {wanted}$"):
        check_types(tomllib.loads(text), Fields, "file")
