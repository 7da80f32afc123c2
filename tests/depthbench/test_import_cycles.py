"""No module imports itself by way of others, nor does a folder; imports in functions count."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("depthbench", "depthnet", "compile", "android_rpc", "bench")


def modules() -> dict[str, Path]:
    """The file of every module of the packages, by its dotted name."""
    files = (file for package in PACKAGES for file in (ROOT / package).rglob("*.py"))
    names = {".".join(file.relative_to(ROOT).with_suffix("").parts): file for file in files}
    return {name.removesuffix(".__init__"): file for name, file in names.items()}


def imported(file: Path) -> Iterator[str]:
    """The dotted names that a file imports anywhere in it, of modules or of what is in them."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def graph(unit: Callable[[str], str]) -> dict[str, set[str]]:
    """What each unit imports of the others; `unit` is what a module belongs to."""
    files = modules()
    edges: dict[str, set[str]] = {unit(name): set() for name in files}
    for name, file in files.items():
        # `from package import module` is an import of the module
        wanted = {other for other in imported(file) if other in files}
        inner = {other for other in wanted if any(o.startswith(f"{other}.") for o in wanted)}
        edges[unit(name)] |= {unit(other) for other in wanted - inner} - {unit(name)}
    return edges


def cycle(edges: Mapping[str, set[str]]) -> list[str]:
    """One cycle, as names in the order in which they import each other; empty without."""
    try:
        TopologicalSorter(edges).prepare()
    except CycleError as error:
        return list(reversed(error.args[1]))
    return []


def test_no_module_imports_itself_by_way_of_others() -> None:
    assert cycle(graph(lambda name: name)) == []


@pytest.mark.parametrize("package", ["depthbench", "android_rpc"])
def test_no_folder_imports_itself_by_way_of_others(package: str) -> None:
    files = modules()

    def folder(name: str) -> str:
        return str(files[name].parent.relative_to(ROOT))

    edges = graph(folder)
    inside = {name for name in edges if name.split("/")[0] == package}
    assert cycle({name: edges[name] & inside for name in inside}) == []


def test_a_cycle_would_be_found() -> None:
    assert cycle({"a": {"b"}, "b": {"c"}, "c": {"b"}}) in (["b", "c", "b"], ["c", "b", "c"])
    assert "depthbench.one_line" in graph(lambda name: name)["depthbench.processes"]
