"""Runs a POSIX shell's script whatever the login shell is: sh, bash, csh, fish.

A board's ssh server gives its one string to the user's login shell, and shells differ in what they
do to quotes, backslashes, exclamation marks and ends of lines. Here each of those is written as an
octal number, which `printf %b` of the board turns back.
"""

from __future__ import annotations

SPECIAL = frozenset(b"'\\!\n")
OUTPUT = "depthbench-output"


def as_command(script: str) -> str:
    """The line that has a login shell of any kind become `sh` and run the script.

    Messages of the board's programs are in English, so that an error can be told by its words.
    """
    whole = f"LC_ALL=C; export LC_ALL; {script}"
    written = "".join(_written(byte) for byte in whole.encode())
    return f"""exec sh -c 'eval "$(printf %b "$0")"' '{written}'"""


def marked(script: str) -> str:
    """The script, which first prints a line after which its own output comes.

    Files that login shells read at their start may print a greeting before it.
    """
    return f"echo {OUTPUT}; {script}"


def own_output(printed: str) -> str:
    """What a `marked` script itself has printed."""
    _, mark, output = printed.partition(f"{OUTPUT}\n")
    return output if mark else printed


def _written(byte: int) -> str:
    return f"\\0{byte:03o}" if byte in SPECIAL or byte > 126 else chr(byte)
