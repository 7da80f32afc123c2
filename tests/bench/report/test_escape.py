"""Escaped text, read by a Markdown parser that we did not write, is the text."""

from __future__ import annotations

import re
from html import unescape

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from bench.report.escape import Markdown, escape, fence, plain

PARSER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
text = st.text(st.characters(codec="utf-8"), min_size=1).filter(plain)
nasty = st.text("<>&`*_[]()!|~#\\ $abc-+.:/1\n\"'", min_size=1).filter(plain)


def cell(markdown: str) -> str:
    """The HTML of the only cell of a table's body."""
    html = PARSER.render(f"| head |\n|---|\n| {markdown} |\n")
    (content,) = re.findall(r"<td>(.*?)</td>", html, flags=re.DOTALL)
    return content


@given(text | nasty)
def test_shows_exactly_the_text(value: str) -> None:
    content = cell(escape(value))
    assert "<" not in content
    assert unescape(content) == plain(value)


@pytest.mark.parametrize(
    "value",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[click](javascript:alert(1))",
        "![x](http://example.org/x.png)",
        "`code`",
        "a | b | c",
        "&lt;b&gt;",
        "**bold** _it_ ~~gone~~",
        "<http://example.org>",
    ],
)
def test_no_markup_gets_through(value: str) -> None:
    content = cell(escape(value))
    assert not re.search(r"<\w", content)
    assert unescape(content) == value


def test_control_characters_and_line_ends_become_spaces() -> None:
    assert escape("red\x1b[31m\n# head\r\nx\u202e") == r"red \[31m \# head x"


def test_markdown_is_not_escaped_twice() -> None:
    assert escape(Markdown("**bold**")) == "**bold**"


@given(st.lists(nasty, min_size=1, max_size=4))
def test_nothing_ends_a_code_block_but_its_end(lines: list[str]) -> None:
    tokens = PARSER.parse(fence(lines))
    assert [token.type for token in tokens] == ["fence"]
    assert tokens[0].content == "".join(plain(line) + "\n" for line in lines)
