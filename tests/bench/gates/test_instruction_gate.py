"""More instructions than the baseline's are flagged, with the kernels that have them."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from bench import cli
from bench.gates import instruction_gate
from bench.models import Model
from depthbench.errors import InputError
from depthnet.card.port import Port

COUNTS: dict[str, Any] = {
    "network": "tiny",
    "target": "arm64-a76",
    "inputs": {"image": [1, 3, 4, 6]},
    "instructions": 1_000_000,
    "kernels": {"conv": 900_000, "relu": 90_000, "libc.so.6": 10_000},
}


def changed(**kernels: int) -> dict[str, Any]:
    found = copy.deepcopy(COUNTS)
    found["kernels"] |= kernels
    found["instructions"] = sum(found["kernels"].values())
    return found


def test_the_same_is_good_and_names_nothing() -> None:
    growth = instruction_gate.compare_counts(COUNTS, COUNTS)
    assert (growth.by, growth.slower, growth.kernels) == (0, False, ())


@pytest.mark.parametrize(("relu", "slower"), [(91_900, False), (92_100, True), (10_000, False)])
def test_only_growth_beyond_the_tolerance_is_slower(relu: int, slower: bool) -> None:
    growth = instruction_gate.compare_counts(COUNTS, changed(relu=relu))
    assert growth.slower == slower
    assert growth.kernels == (("relu", relu - 90_000),)
    assert growth.by == pytest.approx((relu - 90_000) / 1e6)


def test_kernels_that_come_and_go_are_named_the_largest_first() -> None:
    found = changed(new=300_000, relu=90_100)
    del found["kernels"]["conv"]
    found["instructions"] -= 900_000
    assert instruction_gate.compare_counts(COUNTS, found).kernels == (
        ("conv", -900_000),
        ("new", 300_000),
    )


@pytest.mark.parametrize("key", ["network", "target", "inputs"])
def test_counts_of_something_else_are_not_compared(key: str) -> None:
    with pytest.raises(InputError, match=f"the baseline counts {key}"):
        instruction_gate.compare_counts({**COUNTS, key: "other"}, COUNTS)


def test_counts_come_back_as_they_went(tmp_path: Path) -> None:
    path = tmp_path / "counts.json"
    written = instruction_gate.write_counts(path, COUNTS, "why \n not")
    assert instruction_gate.read_counts(path) == written
    assert written["reason"] == "why not"
    assert written.items() >= COUNTS.items()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (None, "no such baseline"),
        ("nonsense", "damaged"),
        (json.dumps({"schema": "other"}), "schema 'other'"),
        (
            json.dumps({"schema": instruction_gate.SCHEMA, **COUNTS}),
            "parts of the baseline are missing",
        ),
        (
            json.dumps(
                {
                    **COUNTS,
                    "schema": instruction_gate.SCHEMA,
                    "date": "",
                    "reason": "",
                    "kernels": 3,
                }
            ),
            "parts of the baseline are missing",
        ),
    ],
    ids=["missing", "text", "other", "cut", "hollow"],
)
def test_a_damaged_baseline_is_one_line(tmp_path: Path, text: str | None, says: str) -> None:
    path = tmp_path / "counts.json"
    if text is not None:
        path.write_text(text)
    with pytest.raises(InputError, match=says) as error:
        instruction_gate.read_counts(path)
    assert "--update --reason" in str(error.value)
    assert "\n" not in str(error.value)


def test_the_shipped_baseline_is_the_flagships() -> None:
    from depthnet.zoo import FLAGSHIP

    counts = instruction_gate.read_counts(instruction_gate.SHIPPED)
    assert (counts["network"], counts["target"]) == (FLAGSHIP, instruction_gate.TARGET)
    assert sum(counts["kernels"].values()) == pytest.approx(counts["instructions"], rel=1e-4)


def test_the_command_fails_on_more_instructions_and_updates_with_a_reason(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "counts.json"
    time = {"milliseconds": 4.0, "low_ms": 3.5, "high_ms": 4.5, "core": "a board", "clock_ghz": 2}
    more = {**changed(conv=950_000), "est_cycles": 410_000, "estimate": time}
    found = [{**COUNTS, "est_cycles": 400_000}, COUNTS, more, more]
    check = ["check", "--gate", "instructions", "--counts", str(path), "--out", str(tmp_path)]

    def export(name: str, path: Path) -> Model:
        return Model(name, path, "", (Port("image", (1, 3, 4, 6), "float32"),), (), {})

    with (
        patch("bench.gates.accuracy_gate.export_shipped", export),
        patch.object(instruction_gate, "count_network", lambda *rest: found.pop(0)),
    ):
        assert cli.run([*check, "--update", "--reason", "first"]) == 0
        assert cli.run(check) == 0
        assert "instructions: good" in capsys.readouterr().out
        assert cli.run(check) == 1
        said = capsys.readouterr().out
        assert cli.run([*check, "--json"]) == 1
    assert "5.000% more" in said
    assert "+0.050 M  conv" in said
    assert "not judged: estimated 0.4 M cycles, 0.4 M in the baseline; 4.00 (3.50 to 4.50)" in said
    assert "ms on a board, 2 GHz" in said
    document = json.loads(capsys.readouterr().out)
    assert not document["good"]
    assert document["instructions"]["est_cycles"] == {"was": 400_000, "now": 410_000}
    assert document["instructions"]["kernels"] == [{"name": "conv", "by": 50_000}]
