"""Scripts arrive whole whatever the login shell is."""

from __future__ import annotations

import shlex
import shutil
import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from android_rpc.ssh.login_shell import as_command, marked, own_output

SHELLS = ("dash", "bash", "fish", "tcsh")


def run(shell: str, script: str) -> str:
    program = shutil.which(shell)
    assert program, f"{shell} is not installed: make board"
    done = subprocess.run(
        [program, "-c", as_command(script)], capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.parametrize("shell", SHELLS)
@settings(max_examples=15, deadline=None)
@given(text=st.text(st.characters(codec="utf-8", exclude_characters="\0\r"), min_size=1))
def test_any_text_is_printed_as_it_is(shell: str, text: str) -> None:
    assert run(shell, f"printf %s {shlex.quote(text)}").encode() == text.encode()


@pytest.mark.parametrize("shell", SHELLS)
def test_exit_codes_and_inputs_are_the_scripts(shell: str) -> None:
    program = shutil.which(shell)
    assert program
    command = [program, "-c", as_command("cat; exit 7")]
    done = subprocess.run(command, input="typed", capture_output=True, text=True)
    assert (done.stdout, done.returncode) == ("typed", 7)


def test_what_is_printed_before_the_script_is_not_its_own() -> None:
    assert own_output("Welcome!\n" + run("dash", marked("echo mine"))) == "mine\n"
    assert own_output("no mark at all") == "no mark at all"
