"""`depthbench prune`: what cannot be pruned is one line, and the record reads as a table."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.cli.prune_text import describe_pruning
from bench.records.record import Record

Run = Callable[..., tuple[int, str, str]]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("mobildepth", "--budget", "70%"), "did you mean 'mobiledepth'"),
        (("mobiledepth", "--budget", "70 percent"), "58.9M"),
        (("mobiledepth",), "--budget"),
        (("mobilenet_v3_cat", "--budget", "70%"), "without trained weights"),
        (("none.safetensors", "--budget", "70%"), "none.safetensors"),
        (("mobiledepth", "--budget", "70%", "--teacher", "t.safetensors"), "t.safetensors"),
        (("mobiledepth", "--budget", "70%", "--precision", "fp8"), "unknown precision 'fp8'"),
        (("mobiledepth", "--budget", "70%", "--step", "0"), "--step"),
        (("mobiledepth", "--budget", "70%", "--data", "roms"), "did you mean 'rooms'"),
    ],
)
def test_bad_input_is_one_line_and_leaves_nothing(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    code, out, err = run("prune", *arguments)
    assert (code, out) == (2, "")
    assert says in err
    assert "Traceback" not in err
    assert list(tmp_path.iterdir()) == []


def test_every_step_has_its_cycles_and_score(make_record: Callable[..., Record]) -> None:
    text = describe_pruning(make_record("pruning"))
    assert "56.00 M of 80.00 M, 70.0%, fp32" in text
    (step,) = [line for line in text.splitlines() if line.split()[:1] == ["1"]]
    assert step.split() == ["1", "conv", "8", "to", "4", "80.00", "55.00", "0.7300"]
