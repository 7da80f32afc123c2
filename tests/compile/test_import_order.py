"""The stages of the compiler import each other in one direction: each from those before it."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import compile

ROOT = Path(compile.__file__).parent
# A module imports from its own stage and from those before it. What a target, a precision, a choice
# and an artefact are, and how a library's error is told, at the top, is for all.
STAGES = (
    *("onnx", "graph", "operators", "schedules.rewrites", "schedules", "lowering", "runtime"),
    *("pipeline", "package", "tuning"),
)
FOR_ALL = {
    "targets",
    "host_processor",
    "precision",
    "choices",
    "artefact",
    "listed_files",
    "interrupt",
    "library_errors",
}
# What runs the stages, at the top.
PIPELINE = {
    "pipeline",
    "phases",
    "observer",
    "compiled",
    "manifest",
    "host_twin",
    "check",
    "reference",
    "relative_speed",
    "cache_key",
}


def imports(file: Path) -> Iterator[str]:
    """The modules of this package that a module imports, anywhere in it."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                inner = f"{node.module}.{alias.name}"
                yield inner if inner in MODULES else node.module


def name_of(file: Path) -> str:
    parts = file.relative_to(ROOT.parent).with_suffix("").parts
    return ".".join(parts).removesuffix(".__init__")


MODULES = {name_of(file): file for file in sorted(ROOT.rglob("*.py"))}
GRAPH = {
    module: sorted({one for one in imports(file) if one in MODULES and one != module})
    for module, file in MODULES.items()
}


def stage_of(module: str) -> int:
    """The place in STAGES of a module; -1 for what all may import."""
    inner = module.removeprefix("compile").removeprefix(".")
    if inner in FOR_ALL or inner in ("", "records") or inner.startswith("records."):
        return -1
    if inner in PIPELINE:
        return STAGES.index("pipeline")
    found = [stage for stage in STAGES if inner == stage or inner.startswith(f"{stage}.")]
    return STAGES.index(max(found, key=len))


@pytest.mark.parametrize("module", GRAPH)
def test_a_stage_imports_only_what_comes_before_it(module: str) -> None:
    later = [one for one in GRAPH[module] if stage_of(one) > stage_of(module)]
    assert later == []


def test_the_order_is_that_of_a_compilation() -> None:
    """So that this test cannot pass for want of anything to judge."""
    assert "compile.graph.tensors" in GRAPH["compile.operators.legalise"]
    assert "compile.operators.matrix_product" in GRAPH["compile.schedules.select"]
    assert "compile.onnx.importer" in GRAPH["compile.pipeline"]
