"""The rules of the tree: which package may import which, how large files may be, their names.

The rules are those of CONTRIBUTING.md.
"""

from __future__ import annotations

import ast
import itertools
from collections import defaultdict
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("depthbench", "depthnet", "compile", "android_rpc", "bench")
SHARED = {"depthbench"}
"""What every package may import: errors, files, processes."""

MAY_IMPORT = {
    "depthbench": set(),
    "depthnet": SHARED,
    "compile": SHARED,
    "android_rpc": SHARED,
    "bench": {*SHARED, "depthnet", "compile", "android_rpc"},
}
FRONT_DOOR = "depthbench/api.py"
ONLY_IN = {
    "click": "bench/cli/",
    "subprocess": "depthbench/processes.py",
    "timm": "depthnet/",
}
NOT_IN = {
    "fcntl": tuple(f"{package}/" for package in PACKAGES),  # locks are filelock's
    "tvm": ("depthbench/", "depthnet/"),
    "torch": ("depthbench/", "compile/", "android_rpc/"),
}
MODULES = 16
SIBLINGS = {
    "bench/cli": "a command a file",
    "bench/runtimes": "a runtime a file",
    "compile/graph": "a Relax rewrite a file",
    "compile/onnx/definitions": "a family of operators a file",
}
LINES = 400
OF_USERS = {"compile/package/bindings/python/depth_network.py"}
"""What is copied into a package, for programs that have no depthbench."""
BUILT_IN = {"Exception", "RuntimeError", "ValueError", "OSError", "LookupError", "KeyError"}


def sources() -> list[Path]:
    """The Python files of the packages, as paths from the root."""
    files = [file for package in PACKAGES for file in (ROOT / package).rglob("*.py")]
    assert len(files) > 200
    return sorted(file.relative_to(ROOT) for file in files)


@cache
def parsed(file: Path) -> ast.Module:
    return ast.parse((ROOT / file).read_text())


def imports(file: Path) -> Iterator[str]:
    """Every module that a file imports, wherever in it; relative imports made whole."""
    for node in ast.walk(parsed(file)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = ".".join(file.parent.parts[: len(file.parent.parts) - node.level + 1])
            yield ".".join(filter(None, (above if node.level else "", node.module)))


def test_packages_import_only_what_they_may() -> None:
    wrong = [
        f"{file} imports {name}"
        for file in sources()
        if file.as_posix() != FRONT_DOOR
        for name in imports(file)
        if (top := name.partition(".")[0]) in PACKAGES
        and top != file.parts[0]
        and top not in MAY_IMPORT[file.parts[0]]
    ]
    assert not wrong


def test_libraries_stay_where_they_belong() -> None:
    wrong = []
    for file in sources():
        for name in imports(file):
            top, path = name.partition(".")[0], file.as_posix()
            if top in ONLY_IN and not path.startswith(ONLY_IN[top]):
                wrong.append(f"{path} imports {name}")
            if path.startswith(NOT_IN.get(top, ())):
                wrong.append(f"{path} imports {name}")
    assert not wrong


def test_the_front_door_is_not_used_inside() -> None:
    """The packages use each other, not the functions that are made for programs."""
    wrong = [file for file in sources() if "depthbench.api" in imports(file)]
    assert not wrong


@pytest.mark.parametrize("package", PACKAGES)
def test_no_two_modules_of_a_package_have_one_name(package: str) -> None:
    found = defaultdict(list)
    for file in sources():
        # a command may stand beside what it calls: cli/report.py and report/report.py
        if file.parts[0] == package and file.parts[:2] != ("bench", "cli"):
            found[file.stem].append(file.as_posix())
    allowed = {"__init__", "__main__"}
    assert not {name: where for name, where in found.items() if len(where) > 1}.keys() - allowed


def test_no_folder_holds_more_modules_than_a_person_can_scan() -> None:
    modules = [file for file in sources() if file.name != "__init__.py"]
    for folder, files in itertools.groupby(modules, key=lambda file: file.parent.as_posix()):
        count = len(list(files))
        if folder in SIBLINGS:
            assert count > MODULES, f"{folder} needs no exception any more"
        else:
            assert count <= MODULES, f"{folder} holds {count} modules"


def test_no_file_is_long() -> None:
    kinds = ("*.py", "*.c", "*.h", "*.j2")
    files = [
        file
        for top in (*PACKAGES, "tests", "benchmarks", "examples")
        for kind in kinds
        for file in (ROOT / top).rglob(kind)
    ]
    assert not [
        f"{file.relative_to(ROOT)}: {lines}"
        for file in files
        if (lines := len(file.read_text().splitlines())) > LINES
    ]


def test_errors_are_of_one_family() -> None:
    """Public exceptions are defined in depthbench/errors.py, or derive from one that is."""
    wrong = [
        f"{file}: class {node.name}"
        for file in sources()
        if file.as_posix() not in {"depthbench/errors.py", *OF_USERS}
        for node in ast.walk(parsed(file))
        if isinstance(node, ast.ClassDef)
        and not node.name.startswith("_")
        and {ast.unparse(base) for base in node.bases} & BUILT_IN
    ]
    assert not wrong


def test_every_module_says_what_it_is() -> None:
    wrong = [file.as_posix() for file in sources() if not ast.get_docstring(parsed(file))]
    assert not wrong


def test_every_public_function_and_class_is_documented() -> None:
    wrong = []
    for file in sources():
        if file.parts[:2] == ("bench", "cli"):
            continue  # what a command does, its help says
        for node in parsed(file).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and not node.name.startswith("_"):
                wrong += [] if ast.get_docstring(node) else [f"{file}: {node.name}"]
    assert not wrong
