"""Text from elsewhere as Markdown that shows just that text."""

from __future__ import annotations

import re
import unicodedata

HTML = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
SPECIAL = re.compile(r"([\\`*_\[\]|~#$])")


class Markdown(str):
    """Text that is Markdown already, and is not escaped again."""


def escape(value: object) -> str:
    """The value as one line of Markdown in which nothing is markup, link, HTML or table cell.

    Control characters, which could also steer a terminal, become spaces; so do line ends.
    """
    if isinstance(value, Markdown):
        return value
    text = plain(value)
    return SPECIAL.sub(r"\\\1", "".join(HTML.get(c, c) for c in text))


def plain(value: object) -> str:
    """The value as one line without control characters, for a code block."""
    text = "".join(" " if unicodedata.category(c).startswith("C") else c for c in str(value))
    return " ".join(text.split())


def fence(lines: list[str]) -> Markdown:
    """Lines as a code block that none of them can end."""
    content = [plain(line) for line in lines]
    longest = max((len(run) for line in content for run in re.findall("`+", line)), default=0)
    marks = "`" * max(3, longest + 1)
    return Markdown("\n".join([f"{marks}sh", *content, marks]))
