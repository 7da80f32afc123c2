"""Names in a folder of predictions: each input's own, whatever lies there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.prediction.output_folder import LIST, OutputFolder
from depthbench.errors import InputError


def written(folder: Path, stem: str, identity: str) -> str:
    """The name that a run of its own gives an input, whose coloured picture it writes."""
    output = OutputFolder(folder)
    name = output.name_for(stem, identity)
    file = output.write(f"{name}-depth.png", b"")
    output.add(identity, {"files": [file]})
    return name


def test_an_input_keeps_its_name_from_run_to_run(tmp_path: Path) -> None:
    assert [written(tmp_path, "a", one) for one in ("x/a", "y/a", "x/a", "y/a")] == [
        *("a", "a-2"),
        *("a", "a-2"),
    ]


def test_a_name_with_a_number_of_its_own_does_not_meet_a_number_that_is_given(
    tmp_path: Path,
) -> None:
    output = OutputFolder(tmp_path)
    names = [output.name_for(stem, one) for stem, one in (("a", "1"), ("a", "2"), ("a-2", "3"))]
    assert names == ["a", "a-2", "a-2-2"]


def test_capitals_are_no_difference(tmp_path: Path) -> None:
    assert [written(tmp_path, "Photo", "1"), written(tmp_path, "photo", "2")] == [
        "Photo",
        "photo-2",
    ]


def test_a_torn_last_line_is_left_out(tmp_path: Path) -> None:
    written(tmp_path, "a", "x/a")
    with (tmp_path / LIST).open("a") as file:
        file.write('{"identity": "x/b", "fil')
    assert written(tmp_path, "a", "x/a") == "a"
    lines = (tmp_path / LIST).read_text().splitlines()
    assert [json.loads(line)["identity"] for line in lines] == ["x/a", "x/a"]


@pytest.mark.parametrize("line", ["words", "[]", '{"files": ["a"]}', '{"identity": 1}'])
def test_a_list_that_is_none_is_one_line(tmp_path: Path, line: str) -> None:
    (tmp_path / LIST).write_text(f"{line}\n")
    with pytest.raises(InputError, match="not the list of predictions; give another --output"):
        OutputFolder(tmp_path)
