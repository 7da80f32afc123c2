"""What went wrong, in one line?"""

from __future__ import annotations

LIMIT = 300


def one_line(text: object) -> str:
    """The last line of `text` that says something, at most 300 characters of it.

    Exceptions of TVM and the output of programs end with the cause. One that says nothing is known
    by its type.
    """
    nothing = type(text).__name__ if isinstance(text, BaseException) else "no reason given"
    lines = [line.strip() for line in str(text).splitlines()]
    last = next((line for line in reversed(lines) if line), nothing)
    return last if len(last) <= LIMIT else last[: LIMIT - 3] + "..."


def first_error(text: str) -> str:
    """The first line of a compiler's output that tells of an error, else its last."""
    return one_line(next((line for line in text.splitlines() if "error" in line), text))
