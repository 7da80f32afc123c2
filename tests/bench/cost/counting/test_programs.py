"""A compiled program has one name wherever its source, its headers and the cache lie."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.cost.counting.programs import HERE, compile_program


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two folders of one source, that is another in a third."""
    found = []
    for name, answer in (("here", 42), ("elsewhere-and-longer", 42), ("other", 43)):
        folder = tmp_path_factory.mktemp(name)
        (folder / "include").mkdir()
        (folder / "include/answer.h").write_text(f"#define ANSWER {answer}\n")
        (folder / "tell.c").write_text("#include <answer.h>\nint main(void) { return ANSWER; }\n")
        found.append(folder)
    return found


def program_in(folder: Path) -> Path:
    flags = (*HERE, f"-I{folder / 'include'}")
    return compile_program(folder / "tell.c", flags, [f"-L{folder}"], cache=folder / "cache")


def test_the_same_program_has_the_same_name(places: list[Path]) -> None:
    here, elsewhere, other = map(program_in, places)
    assert here.name == elsewhere.name
    assert here.read_bytes() == elsewhere.read_bytes()
    assert here.name != other.name
    assert program_in(places[0]) == here
