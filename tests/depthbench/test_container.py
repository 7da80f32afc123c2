"""The Dockerfile says what the README says, and nothing of this machine goes into an image."""

from __future__ import annotations

import re
import subprocess
from fnmatch import fnmatch

import pytest

from .test_house import ROOT

Instruction = tuple[str, str]


def stages() -> dict[str, list[Instruction]]:
    """The instructions of the Dockerfile, by stage; the first of each is its FROM."""
    text = re.sub(r"^#.*\n", "", (ROOT / "Dockerfile").read_text(), flags=re.MULTILINE)
    found: dict[str, list[Instruction]] = {}
    for line in text.replace("\\\n", " ").splitlines():
        if line.strip():
            name, _, rest = line.partition(" ")
            if name == "FROM":
                found[rest.partition(" AS ")[2] or "last"] = []
            list(found.values())[-1].append((name, " ".join(rest.split())))
    return found


def of_kind(kind: str) -> list[str]:
    return [rest for stage in stages().values() for name, rest in stage if name == kind]


def makes(text: str) -> list[str]:
    """The targets of the `make` commands of a RUN."""
    commands = [re.sub(r"^(\w+=\S+ )*", "", part.strip()) for part in text.split("&&")]
    words = [word for one in commands if one.startswith("make ") for word in one.split()[1:]]
    return [word for word in words if "=" not in word]


def test_an_image_runs_the_two_commands_of_the_readme() -> None:
    readme = re.findall(r"^(make \w+)", (ROOT / "README.md").read_text(), re.MULTILINE)
    commands = [" ".join(re.findall(r'"([^"]+)"', rest)) for rest in of_kind("CMD")]
    assert commands == readme == ["make quickstart", "make test"]


def test_every_target_is_one_of_the_makefile_and_is_given_the_index_of_torch() -> None:
    targets = [target for rest in of_kind("RUN") for target in makes(rest)]
    assert {"system", "setup", "setup-dev"} <= set(targets)
    rules = re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert set(targets) <= set(rules)
    for rest in of_kind("RUN"):
        if "make setup" in rest:
            assert 'TORCH_INDEX="$TORCH_INDEX"' in rest


def test_only_a_public_base_image_is_named() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert "://" not in text
    bases = [rest.split()[0] for rest in of_kind("FROM")]
    assert [base for base in bases if base not in stages()] == ["debian:bookworm-slim"]


@pytest.mark.parametrize("name", ["quickstart", "test"])
def test_nothing_runs_as_root(name: str) -> None:
    users = [rest for kind, rest in stages()[name] if kind == "USER"]
    assert users[-1] == "depth"
    (last_run,) = [rest for kind, rest in stages()[name] if kind == "RUN"][-1:]
    assert "make setup" in last_run, "the user installs the packages, and owns them"


def test_lists_of_packages_do_not_stay_in_a_layer() -> None:
    for rest in of_kind("RUN"):
        if "apt-get" in rest or "make system" in rest:
            assert rest.count("rm -rf /var/lib/apt/lists/*") == 1


def test_an_image_gets_what_git_tracks_and_nothing_that_it_ignores() -> None:
    ignored = [
        line.removeprefix("**/")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line and not line.startswith("#")
    ]
    by_git = {line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines() if line}
    assert by_git <= set(ignored)
    tracked = subprocess.run(
        ["git", "-C", str(ROOT), "ls-files"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert len(tracked) > 500
    for path in tracked:
        parts = path.split("/")
        assert not any(fnmatch(part, pattern) for part in parts for pattern in ignored), path
