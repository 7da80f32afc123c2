"""What the documents say holds: links, paths, commands, the picture of the packages."""

from __future__ import annotations

import ast
import inspect
import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

import depthbench
from bench.cli import cli

from .test_house import FRONT_DOOR, PACKAGES, ROOT, imports, sources

DOCUMENTS = sorted(
    [ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")]
    + list((ROOT / "docs").glob("*.md"))
)
NAMES = [str(document.relative_to(ROOT)) for document in DOCUMENTS]
WORDS, PICTURE_BYTES = 1200, 300_000
TOPS = (*PACKAGES, "tests", "benchmarks", "docs", "examples")


def text(name: str) -> str:
    return (ROOT / name).read_text()


def commands(name: str) -> Iterator[list[str]]:
    """The words of each `depthbench ...` line in the code of a document."""
    blocks = re.findall(r"```sh\n(.*?)```", text(name), re.DOTALL)
    spans = re.findall(r"`(depthbench (?!COMMAND)[^`]+)`", text(name))
    for line in [*"".join(blocks).splitlines(), *spans]:
        if line.startswith("depthbench "):
            yield shlex.split(line, comments=True)[1:]


def test_the_readme_is_short() -> None:
    assert len(text("README.md").split()) <= WORDS


def test_pictures_are_small() -> None:
    assert sum(file.stat().st_size for file in (ROOT / "docs/images").iterdir()) < PICTURE_BYTES


@pytest.mark.parametrize("name", NAMES)
def test_links_lead_somewhere(name: str) -> None:
    targets = re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", text(name))
    here = [target for target in targets if "://" not in target]
    assert not [target for target in here if not ((ROOT / name).parent / target).exists()]


@pytest.mark.parametrize("name", NAMES)
def test_paths_exist(name: str) -> None:
    paths = re.findall(rf"`((?:{'|'.join(TOPS)})/[\w./*-]*)`", text(name))
    assert not [path for path in paths if not list(ROOT.glob(path))]


@pytest.mark.parametrize("name", NAMES)
def test_commands_and_their_options_are_known(name: str) -> None:
    wrong: list[str] = []
    for words in commands(name):
        command: click.Command | None = cli
        while isinstance(command, click.Group) and words and not words[0].startswith("-"):
            command = command.get_command(click.Context(command), words.pop(0))
        if command is None or (words and words[0] == "COMMAND"):
            wrong.append(f"no command {' '.join(words)}")
            continue
        known = {"--help", "--version"} | {
            option for parameter in command.params for option in parameter.opts
        }
        wrong += [word for word in words if word.startswith("-") and word not in known]
    assert not wrong


def test_the_front_door_is_described_whole() -> None:
    rows = re.findall(r"^\| `(\w+)\(([^)]*)\)` \|", text("docs/python.md"), re.MULTILINE)
    assert sorted(name for name, _ in rows) == depthbench.__all__
    for name, arguments in rows:
        known = inspect.signature(getattr(depthbench, name)).parameters
        named = [part.partition("=")[0].strip(" *") for part in arguments.split(",") if part]
        assert set(named) <= set(known)


@pytest.mark.parametrize("name", NAMES)
def test_programs_in_documents_call_what_there_is(name: str) -> None:
    for program in re.findall(r"```python\n(.*?)```", text(name), re.DOTALL):
        for node in ast.walk(ast.parse(program)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
                function = getattr(depthbench, node.func.attr)
                keywords = {keyword.arg: None for keyword in node.keywords if keyword.arg}
                inspect.signature(function).bind(*node.args, **keywords)


def test_the_picture_of_the_packages_is_that_of_the_code() -> None:
    front = Path(FRONT_DOOR)
    in_code = {
        ("front" if file == front else file.parts[0], top)
        for file in sources()
        for name in imports(file)
        if (top := name.partition(".")[0]) in PACKAGES and top != file.parts[0]
    }
    drawn = set(re.findall(r"^    (\w+) --> (\w+)$", text("docs/architecture.md"), re.MULTILINE))
    assert drawn == in_code


def test_every_folder_is_explained() -> None:
    explained = set(re.findall(r"^\| `(\w+/(?:\w+/)?)` \|", text("docs/architecture.md"), re.M))
    folders = {f"{'/'.join(file.parts[:depth])}/" for file in sources() for depth in (1, 2)}
    assert explained == {name for name in folders if not name.endswith(".py/")} | {
        "android_rpc/native/",  # in C, as is the next
        "android_rpc/server/",
    }


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_shell_completes_as_described(shell: str) -> None:
    variable = f"_DEPTHBENCH_COMPLETE={shell}_source"
    assert variable in text("docs/command_line.md")
    environment = {
        **os.environ,
        "_DEPTHBENCH_COMPLETE": f"{shell}_complete",
        "COMP_WORDS": "depthbench export mobiled",
        "COMP_CWORD": "mobiled" if shell == "fish" else "2",
    }
    command = [sys.executable, "-m", "bench.cli"]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True)
    assert "mobiledepth" in done.stdout, done.stderr
