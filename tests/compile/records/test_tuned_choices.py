from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import onnx
import pytest

from compile import targets
from compile.artefact import Artefact
from compile.pipeline import compile_model
from compile.records import tuned_choices
from compile.records.tuned_choices import Record
from depthbench.errors import InputError
from tests.compile.conftest import Graph

A76 = targets.get("arm64-a76")
WORKLOAD = "pointwise 1x8x8 16 to 32 stride 1x1 float 32 threads 1"


def record(**choices: str) -> Record:
    return Record(choices, "cycles", 9.0, 10.0, "tiny", {"apache-tvm": "0"})


@pytest.fixture
def model(tmp_path: Path, graph: Graph) -> Path:
    x = graph.convolution(graph.input([1, 16, 8, 8]), [32, 16, 1, 1])
    onnx.save(graph.model(x), str(tmp_path / "model.onnx"))
    return tmp_path / "model.onnx"


@pytest.fixture
def compiled(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Artefact]:
    """Compiles the model with the records of a file, or without any."""
    monkeypatch.setattr(tuned_choices, "SHIPPED", tmp_path / "none")

    def run(*files: Path, untuned: bool = False) -> Artefact:
        own = None if untuned else files
        return compile_model(model, "arm64-a76", tmp_path / "made", tuned=own)

    return run


def test_written_records_are_read_again(tmp_path: Path) -> None:
    file = tmp_path / "new" / "a76.json"
    records = {"b": record(rows="2"), "a": record(tile="7x2x4")}
    tuned_choices.write(file, A76, records)

    assert tuned_choices.read(file, A76) == records
    assert file.read_text().index('"a"') < file.read_text().index('"b"')
    assert [one.name for one in file.parent.iterdir()] == ["a76.json"]


def test_own_records_come_before_those_shipped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tuned_choices, "SHIPPED", tmp_path)
    tuned_choices.write(
        tmp_path / tuned_choices.file_name(A76), A76, {"a": record(x="1"), "b": record(x="1")}
    )
    tuned_choices.write(tmp_path / "own.json", A76, {"a": record(x="2")})

    assert tuned_choices.with_choices(A76).choices.tuned == {"a": {"x": "1"}, "b": {"x": "1"}}
    own = tuned_choices.with_choices(A76, [tmp_path / "own.json"]).choices.tuned
    assert own == {"a": {"x": "2"}, "b": {"x": "1"}}
    assert tuned_choices.with_choices(A76, None).choices.tuned == {}


@pytest.mark.parametrize("text", ["", "[]", '{"schema": 1}', '{"schema": 1, "target": 2}'])
def test_what_is_no_record_is_named(tmp_path: Path, text: str) -> None:
    file = tmp_path / "bad.json"
    file.write_text(text)
    with pytest.raises(InputError, match="not tuned choices"):
        tuned_choices.read(file, A76)


def test_records_of_another_target_are_refused(tmp_path: Path) -> None:
    tuned_choices.write(tmp_path / "host.json", targets.get("host"), {})
    with pytest.raises(InputError, match=r"for host-.*, not .* for arm64-a76"):
        tuned_choices.read(tmp_path / "host.json", A76)
    with pytest.raises(InputError, match="cannot be read"):
        tuned_choices.read(tmp_path / "missing.json", A76)


@pytest.mark.parametrize(
    "file", sorted(tuned_choices.SHIPPED.glob("*.json")), ids=lambda file: file.stem
)
def test_shipped_records_gain_and_are_in_order(file: Path) -> None:
    machine = replace(A76, tuned_as=file.stem)
    records = tuned_choices.read(file, machine)
    assert list(records) == sorted(records)
    assert all(record.tuned < record.formula for record in records.values())


def test_compile_takes_tuned_choices_and_says_so(
    compiled: Callable[..., Artefact], tmp_path: Path
) -> None:
    file = tmp_path / "own.json"
    plain = compiled()
    assert plain.manifest["schedule"]["tuned"] == 0

    tuned_choices.write(file, A76, {WORKLOAD: record(tile="4x2x4 of fused rows")})
    better = compiled(file)
    assert not better.reused
    assert better.manifest["schedule"]["tuned"] == 1
    assert better.sha256 != plain.sha256
    assert compiled(file).reused

    assert compiled(untuned=True).sha256 == plain.sha256


def test_choices_that_are_no_longer_legal_are_passed_over(
    compiled: Callable[..., Artefact], tmp_path: Path
) -> None:
    plain = compiled().sha256
    file = tmp_path / "own.json"
    tuned_choices.write(file, A76, {WORKLOAD: record(tile="99x9x4", rows="5")})
    stale = compiled(file)
    assert stale.manifest["schedule"]["tuned"] == 0
    assert stale.sha256 == plain
