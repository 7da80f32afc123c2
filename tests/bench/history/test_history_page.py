"""The page: one file that asks for nothing, in which text from records is only text."""

from __future__ import annotations

import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import pytest

from bench.history.history import build_history
from bench.history.history_page import render_page
from bench.history.write_history import write_history
from bench.records.record import Record
from depthbench.errors import InputError

At = Callable[..., Record]
EVIL = "<script>alert('$x^2$')</script>\x1b[31m"


class Elements(HTMLParser):
    """The elements of a page, and what it would load."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.names: set[str] = set()
        self.links: list[str] = []
        self.ids: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)
        found = {name: value or "" for name, value in attrs}
        self.links += [found[name] for name in ("href", "src", "xlink:href") if name in found]
        self.ids += [found["id"]] if "id" in found else []


def page(records: list[Record], model: str = "tiny") -> str:
    return render_page(build_history(records, model, root=Path("/nonexistent")))


def test_a_page_is_one_file_without_scripts(at: At) -> None:
    records = [at(1, "accuracy"), at(2, "cost"), at(3, "latency"), at(4, "emulated cost")]
    records += [at(5, "flicker"), at(6, "calibration", left_out_mae_m=None)]
    found = Elements(page(records))
    assert "script" not in found.names
    assert found.names >= {"svg", "table", "details"}
    assert all(link.startswith(("#", "data:")) for link in found.links)
    assert len(found.ids) == len(set(found.ids))
    assert {link[1:] for link in found.links if link.startswith("#")} <= set(found.ids)


def test_text_from_records_is_only_text(at: At) -> None:
    device = {"name": EVIL, "emulated": False}
    records = [
        at(1, "latency", model=EVIL, device=device, valid=False, reasons=[EVIL]),
        at(2, "accuracy", model=EVIL, weights=EVIL, protocol=EVIL, data=EVIL),
    ]
    text = page(records, EVIL)
    assert "script" not in Elements(text).names
    assert "\x1b" not in text
    assert text.count("&lt;script&gt;alert(") > 4


def test_invalid_dirty_and_unknown_runs_are_said(at: At) -> None:
    bad = {"valid": False, "reasons": ["the screen was dark"]}
    text = page([at(1, "latency", "a" * 40, dirty=True), at(2, "latency", **bad)])
    rows = re.findall(r'<tr role="row"><th scope="row".*?</tr>', text, re.DOTALL)
    assert [re.sub(r"<[^>]*>|\s+", " ", row).split()[0] for row in rows[:2]] == ["?", "aaaaaaa*"]
    assert "INVALID: the screen was dark" in rows[0]
    assert '<span class="bad">1 invalid.</span>' in text


def test_a_line_of_invalid_runs_alone_has_no_figure(at: At) -> None:
    bad = {"valid": False, "reasons": ["x"], "p50_ms": None}
    assert "No valid run." in page([at(1, "latency", **bad)])


@pytest.mark.parametrize("name", ["history.txt", "history", "history.md"])
def test_another_ending_is_bad_input(at: At, tmp_path: Path, name: str) -> None:
    built = build_history([at(1, "cost")], "tiny", root=tmp_path)
    with pytest.raises(InputError, match=r"\.html, \.csv or \.json"):
        write_history(built, tmp_path / name)
    assert list(tmp_path.iterdir()) == []
