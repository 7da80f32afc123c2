"""Grouped help, what is imported for a command, the options of all, and completion."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from bench import cli
from bench.cli.command_groups import COMMANDS, SECTIONS
from bench.cli.options import FLAGSHIP


def test_nothing_prints_grouped_help_and_succeeds(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run([]) == 0
    captured = capsys.readouterr()
    assert captured.err == ""
    headings = [line[:-1] for line in captured.out.splitlines() if line.endswith(":")]
    assert headings == ["Options", *SECTIONS]
    listed = [line.split()[0] for line in captured.out.splitlines() if line.startswith("  ")]
    assert set(COMMANDS) < set(listed)
    assert "..." not in captured.out.partition("Options:")[2]


def test_a_group_alone_prints_its_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["phone"]) == 0
    assert "doctor" in capsys.readouterr().out


def test_only_the_command_that_is_called_is_imported() -> None:
    code = (
        "import json, sys, bench.cli\n"
        "bench.cli.run(['diff', '--help'])\n"
        "print(json.dumps(sorted(name for name in sys.modules if name.startswith('bench.cli.'))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(json.loads(done.stdout.splitlines()[-1]))
    modules = {f"bench.cli.{name.replace('-', '_')}" for name in COMMANDS}
    assert loaded & modules == {"bench.cli.diff"}


def test_the_default_network_is_the_flagship() -> None:
    from depthnet import zoo

    assert FLAGSHIP == zoo.FLAGSHIP


@pytest.mark.parametrize("arguments", [["--debug", "diff"], ["diff", "--debug"]])
def test_debug_stands_before_or_after_the_command(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.run([*arguments, "none.jsonl", "none.jsonl"]) == 2
    assert "Traceback" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("depthbench comp", {"complexity", "compile", "compare"}),
        ("depthbench export mobiledep", {"mobiledepth", "mobiledepth_se"}),
        ("depthbench compile --target a", {"arm64-a76"}),
        ("depthbench compile --precision fp", {"fp32", "fp16"}),
        ("depthbench eval --protocol e", {"eigen"}),
        ("depthbench eval --data r", {"rooms"}),
        ("depthbench paper VI", {"VI", "VII", "VIII"}),
        ("depthbench compare --runtimes tvm,mn", {"tvm,mnn"}),
        ("depthbench rpc-measure --device a", {"adb", "adb:", "adb:all"}),
    ],
)
def test_the_shell_completes(words: str, expected: set[str]) -> None:
    environment = {
        **os.environ,
        "_DEPTHBENCH_COMPLETE": "bash_complete",
        "COMP_WORDS": words,
        "COMP_CWORD": str(len(words.split()) - 1),
    }
    done = subprocess.run(
        [sys.executable, "-m", "bench.cli"], capture_output=True, text=True, env=environment
    )
    plain = {line.partition(",")[2] for line in done.stdout.splitlines() if line[:5] == "plain"}
    assert plain == expected, done.stderr


@pytest.mark.parametrize("arguments", [["models"], ["complexity"], ["paper", "IV"]])
def test_what_is_known_is_answered_without_building_a_network(arguments: list[str]) -> None:
    """PyTorch takes seconds to import, and the networks ten to be counted."""
    code = (
        "import sys, bench.cli\n"
        f"code = bench.cli.run({arguments})\n"
        "sys.exit(code or bool({'torch', 'tvm', 'onnxruntime'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
