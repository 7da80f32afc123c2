"""The files for CI that a user copies are what GitHub and GitLab take, by their own schemas."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs/ci.md").read_text(encoding="utf-8")


def gitlab_file() -> str:
    """The YAML of the page's part on GitLab."""
    (text,) = re.findall(r"^## GitLab\n```yaml\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    return str(text)


FILES: dict[str, tuple[str, Callable[[], str]]] = {
    ".gitlab-ci.yml": ("vendor.gitlab-ci", gitlab_file),
    "action.yml": ("vendor.github-actions", (ROOT / "action.yml").read_text),
    "workflow.yml": (
        "vendor.github-workflows",
        (ROOT / "examples/github_workflow.yml").read_text,
    ),
}
WRONG = {
    ".gitlab-ci.yml": ("junit: junit.xml", "junit: {file: junit.xml}"),
    "action.yml": ("using: composite", "using: compositions"),
    "workflow.yml": ("runs-on:", "runs-at:"),
}


def check(folder: Path, name: str, text: str) -> subprocess.CompletedProcess[str]:
    (folder / name).write_text(text)
    words = ["check_jsonschema", "--builtin-schema", FILES[name][0], str(folder / name)]
    return subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True)


@pytest.mark.parametrize("name", FILES)
def test_a_file_for_ci_fits_the_servers_schema(name: str, tmp_path: Path) -> None:
    text = FILES[name][1]()
    done = check(tmp_path, name, text)
    assert done.returncode == 0, done.stdout + done.stderr
    right, wrong = WRONG[name]
    assert right in text
    assert check(tmp_path, name, text.replace(right, wrong)).returncode == 1


def test_jenkins_is_told_of_what_check_writes() -> None:
    (text,) = re.findall(r"^## Jenkins\n```groovy\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
    assert text.count("{") == text.count("}")
    (junit,) = re.findall(r"--junit (\S+)", text)
    (summary,) = re.findall(r"--summary (\S+)", text)
    assert f"junit '{junit}'" in text
    assert f"artifacts: '{summary}'" in text
