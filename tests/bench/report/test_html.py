"""One file, with everything in it, in which no text becomes markup."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from html import unescape
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from PIL import Image

from bench.records.record import Record
from bench.report.html import render_html
from bench.report.report import build_report

Make = Callable[..., Record]
EMPTY = {"meta", "link", "br", "img", "input"}
LOADS = {"src", "href", "xlink:href", "action", "data", "poster", "srcset"}


class Page(HTMLParser):
    """Tags, what the page would load, ids and text; raises ValueError where tags do not nest."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags, self.loads, self.ids = list[str](), list[str](), list[str]()
        self.handlers, self.text = list[str](), ""
        self._open = list[str]()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in EMPTY:
            self._open.append(tag)
        for name, value in attrs:
            self.loads += [value or ""] if name in LOADS else []
            self.ids += [value or ""] if name == "id" else []
            self.handlers += [name] if name.startswith("on") else []

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in EMPTY:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if self._open.pop() != tag:
            raise ValueError(f"</{tag}> ends something else")

    def handle_data(self, data: str) -> None:
        self.text += data


@pytest.fixture(scope="module")
def whole(whole_report: dict[str, Any]) -> str:
    """The HTML of a report of everything."""
    return render_html(whole_report)


def page_of(*records: Record, **options: Any) -> tuple[str, Page]:
    html = render_html(build_report(records), **options)
    return html, Page(html)


def test_the_page_loads_nothing(whole: str) -> None:
    page = Page(whole)
    assert not {"script", "iframe", "object", "embed"} & set(page.tags)
    assert page.handlers == []
    assert page.loads
    assert all(load.startswith(("#", "data:")) for load in page.loads)
    assert "default-src 'none'" in whole
    assert not re.search(r"@import|url\((?!#)", whole)
    assert len(whole) < 1_000_000


def test_tags_nest_and_ids_are_the_pages_only_ones(whole: str) -> None:
    page = Page(whole)
    assert len(page.ids) == len(set(page.ids))
    targets = [load[1:] for load in page.loads if load.startswith("#")]
    assert set(targets) <= set(page.ids)


def test_charts_are_wellformed_with_text_as_text(whole: str) -> None:
    charts = re.findall(r"<svg.*?</svg>", whole, flags=re.DOTALL)
    # Four kinds, the accuracy/latency chart by two protocols, and one emulated cost, each twice.
    assert len(charts) == 2 * 6
    for chart in charts:
        words = [*ElementTree.fromstring(chart).itertext()]
        assert any(re.search("[a-z]", word) for word in words)
        assert not re.search("#0102..", chart), "all colours are the page's"
    assert "this work" in charts[0].lower()
    assert "mobiledepth" in charts[0]


@pytest.mark.parametrize("kind", ["accuracy", "complexity", "calibration", "flicker"])
def test_without_a_time_there_is_no_chart_of_the_papers_alone(make_record: Make, kind: str) -> None:
    html, page = page_of(make_record(kind))
    assert "svg" not in page.tags
    assert "points" not in page.ids
    assert "the paper's networks" not in html


NASTY = (
    "<script>alert(1)</script>"
    '"><img src=x onerror=alert(1)>'
    "</svg></style><b onclick=x()>"
    "$\\frac{1}{$ & {{ 7 * 7 }}"
)


def test_a_name_is_text_everywhere(everything: list[Record]) -> None:
    name = NASTY
    for record in everything:
        record["model"] = name
        record["device"] = {**record.get("device", {}), "name": name}
        record["reasons"] = [name]
        for key in ("data", "protocol", "weights"):
            if key in record:
                record[key] = f"{name} {record[key]}"
        if "profile" in record:
            record["profile"]["operators"] = [
                {**operator, "name": name, "operator": name}
                for operator in record["profile"]["operators"]
            ]
    _, page = page_of(*everything)
    assert not {"script", "img"} & set(page.tags)
    assert page.handlers == []
    assert name in page.text


def test_an_emulated_time_is_in_no_column_of_latency(
    whole: str, whole_report: dict[str, Any]
) -> None:
    rows = re.findall(r'<tr role="row">.*?</tr>', unescape(whole), flags=re.DOTALL)
    assert not any("3400" in row for row in rows[: len(whole_report["summary"])])
    assert all("emulator's" in row for row in rows if "3400" in row)
    assert "3400" not in whole[: whole.index("<details")]


def test_intervals_and_scores_on_the_device_are_told(whole: str) -> None:
    text = " ".join(Page(whole).text.split())
    assert "61.5 (61.2 to 61.9)" in text
    assert "95 % confidence intervals" in text
    assert "rooms, test eigen 7 - - 0.750 onnxruntime 3.0e-07" in text


def test_a_sustained_run_is_drawn_and_told(whole: str) -> None:
    (figure,) = re.findall(r'<figure class="sustained">.*?</figure>', whole, flags=re.DOTALL)
    chart = ElementTree.fromstring(re.findall(r"<svg.*?</svg>", figure, flags=re.DOTALL)[0])
    words = {" ".join(word.split()) for word in chart.itertext()} - {""}
    assert {"frames/s", "MHz", "°C", "hottest zone", "battery"} <= words
    assert "core 6, 7" not in words, "one line needs no legend"
    text = " ".join(Page(figure).text.split())
    assert (
        "on phone: 16.2 frames/s in the first 60 s, 10.0 in the last (0.62 times as many)" in text
    )
    assert "in 600 s; slower from 220 s on" in text
    assert "251 mJ an inference, in steps of 0.300 mJ (3.65 W of the whole device" in text
    assert "the battery's current in uA, as its charge counter says" in text


def test_an_emulators_sustained_run_is_no_devices(profiled: Record) -> None:
    profiled["kind"] = "emulated cost"
    profiled["sustained"] |= {"energy": {"absent": "the device is powered by USB"}, "seconds": 9.0}
    profiled["sustained"] |= {"throttled_at_s": None, "telemetry": None}
    html, page = page_of(profiled)
    text = " ".join(page.text.split())
    assert "emulated cost (not a latency): 16.2 frames/s of an emulator in the first 60 s" in text
    assert "in 9 of 600 s; no throttling seen. Energy: not known: the device is powered" in text
    assert "emulator's frames/s" in html


def test_a_time_alone_stands_among_the_papers(make_record: Make) -> None:
    html, page = page_of(make_record("latency"))
    assert "Rings: the paper's networks, on its phone: a reference." in page.text
    assert "Eigen and Fergus (2015) (578 ms" in html


def test_a_sheet_stands_in_the_page_if_it_is_the_one_that_was_drawn(
    make_record: Make, tmp_path: Path
) -> None:
    Image.effect_noise((1600, 1200), 90).convert("RGB").save(tmp_path / "sheet.png")
    content = (tmp_path / "sheet.png").read_bytes()
    sheet = {"file": "sheet.png", "sha256": hashlib.sha256(content).hexdigest()}
    html, page = page_of(make_record(sheet=sheet), folders=[tmp_path])
    assert page.tags.count("img") == 1
    assert "--sheet out/sheet.png" in page.text
    assert len(html) < 3_000_000, "noise is cut down to size"
    _, other = page_of(make_record(sheet={**sheet, "sha256": "0" * 64}), folders=[tmp_path])
    assert "img" not in other.tags
    (tmp_path / "sheet.png").unlink()
    _, absent = page_of(make_record(sheet=sheet), folders=[tmp_path])
    assert "img" not in absent.tags


@pytest.mark.parametrize("sheet", [None, [], "x", {}, {"file": 1}, {"file": "a.png", "sha256": []}])
def test_an_odd_sheet_is_none(make_record: Make, tmp_path: Path, sheet: Any) -> None:
    (tmp_path / "a.png").write_bytes(b"no image")
    _, page = page_of(make_record(sheet=sheet), folders=[tmp_path])
    assert "img" not in page.tags


def test_how_to_make_it_again_is_told_once(whole: str) -> None:
    page = Page(whole)
    blocks = re.findall(r"<pre.*?</pre>", whole, flags=re.DOTALL)
    lines = [line for block in blocks for line in Page(block).text.splitlines() if line]
    assert len(lines) > 8
    assert len(lines) == len(set(lines))
    assert "rpc-measure out/mobiledepth-arm64-a76 --device phone" in page.text
    assert "--profile" in page.text
    assert "depthbench report out/records.jsonl -o report.html" in page.text
