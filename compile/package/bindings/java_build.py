"""Java sources made classes and documentation, by an installed JDK."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

from depthbench.errors import ToolMissing
from depthbench.files import make_folder
from depthbench.processes import Finished, run_program

# Old Android tools read class files of Java 8, as all later ones do.
RELEASE = "8"
# A compiler that starts for a second gains nothing from the JVM's own optimiser.
_COMMON = ("-J-XX:TieredStopAtLevel=1", "-encoding", "UTF-8", "--release", RELEASE)


def check_jdk() -> None:
    """ToolMissing unless a JDK is installed: in PATH, or where JAVA_HOME says."""
    _tool("javac")
    _tool("javadoc")


def classes(sources: Mapping[str, str]) -> dict[str, bytes]:
    """The class files of Java sources, both by path; ToolMissing where there is no JDK."""
    flags = ("-g:source,lines", "-Xlint:-options", "-proc:none")
    return _build("javac", flags, sources, "the Java class does not compile")


def documentation(sources: Mapping[str, str], title: str) -> dict[str, bytes]:
    """The pages of Javadoc for Java sources, by path; ToolMissing where there is no JDK."""
    flags = ("-quiet", "-notimestamp", "-Xdoclint:all", "-windowtitle", title)
    return _build("javadoc", flags, sources, "Javadoc cannot be made")


def _build(
    tool: str, flags: tuple[str, ...], sources: Mapping[str, str], problem: str
) -> dict[str, bytes]:
    with tempfile.TemporaryDirectory(prefix="depthbench-java-") as scratch:
        given, made = Path(scratch, "sources"), Path(scratch, "made")
        for path, text in sources.items():
            file = given / path
            make_folder(file.parent)
            file.write_text(text, encoding="utf-8")
        command = [_tool(tool), *_COMMON, *flags, "-d", str(made), *sources]
        run_program(command, problem, reason=_first_error, folder=given)
        files = sorted(file for file in made.rglob("*") if file.is_file())
        return {file.relative_to(made).as_posix(): file.read_bytes() for file in files}


def _tool(name: str) -> str:
    home = os.environ.get("JAVA_HOME")
    folders = os.pathsep.join([*([f"{home}/bin"] if home else []), os.environ.get("PATH", "")])
    found = shutil.which(name, path=folders)
    if found is None:
        raise ToolMissing(
            f"an Android package holds a Java class, and {name} is not installed",
            advice="sudo apt-get install default-jdk-headless",
        )
    return found


def _first_error(done: Finished) -> str:
    found = re.search(r"^.*error: .*$", done.errors, re.MULTILINE)
    return found.group() if found else done.reason
