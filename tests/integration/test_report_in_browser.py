"""A report as a reader sees it: opened from a file in headless Chromium."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

from bench.accuracy.contact_sheet import sheet_entry
from bench.records.record import Record, new_record
from bench.records.schema import METRICS
from bench.report.report import build_report
from bench.report.write import write_report

BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
PHONE, DESK = 360, 1280
SMALLEST_PX = 11.0
LONG_NAME = "<script>document.title = 'taken'</script>" + "long" * 40
# Letters of the charts that are shown, in pixels of the screen.
LETTER_HEIGHTS = """() => [...document.querySelectorAll('svg text')]
    .filter(text => text.getClientRects().length)
    .map(text => parseFloat(getComputedStyle(text).fontSize)
        * text.ownerSVGElement.getBoundingClientRect().width
        / text.ownerSVGElement.viewBox.baseVal.width)"""
COLOURS = """() => [getComputedStyle(document.body).backgroundColor,
    getComputedStyle(document.querySelector('figure.pareto svg text')).fill]"""
WIDTH = "() => document.scrollingElement.scrollWidth"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Headless Chromium; `make setup-dev` installs one where there is none."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert found, f"no browser: install one of {', '.join(BROWSERS)}"
    with sync_playwright() as playwright:
        # A container's root may not make a sandbox; the page is our own.
        chromium = playwright.chromium.launch(executable_path=found, chromium_sandbox=False)
        yield chromium
        chromium.close()


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("report")
    records = [*measured("mobiledepth"), *measured(LONG_NAME)]
    Image.new("RGB", (1320, 900), "teal").save(folder / "sheet.png")
    records[0]["sheet"] = sheet_entry(folder / "sheet.png", folder / "records.jsonl")
    write_report(build_report(records), folder / "report.html", [folder])
    return folder / "report.html"


def measured(model: str) -> list[Record]:
    """A network that was scored, and timed on a phone, with temperatures and a profile."""
    scored: dict[str, Any] = {
        **{"model": model, "weights": "trained on nyu", "runtime": "onnxruntime", "data": "nyu"},
        **{"split": "test", "protocol": "paper", "images": 654, "averaging": "per image"},
        **{"flip": True, "model_sha256": "ab" * 32, **dict.fromkeys(METRICS, 0.7)},
    }
    samples = [60.0 + i % 7 for i in range(300)]
    heat = {"every_s": 10, "hottest_each_sample_c": [35.0, 38.5, 40.0]}
    operators = [
        {"name": f"conv_{i}_{model}", "operator": "conv", "ms": i, "macs": 10**7, "bytes": 10**6}
        for i in range(1, 30)
    ]
    timed: dict[str, Any] = {
        **{"model": model, "target": "arm64-a76", "device": {"name": "phone", "emulated": False}},
        **{"artefact_sha256": "cd" * 32, "artefact_bytes": 23_000_000, "agreement": {}},
        **{"samples_ms": samples, "sessions": [samples[:150], samples[150:]], "count": 300},
        **{"valid": True, "reasons": [], "quick": False},
        **{"p50_ms": 63.0, "p90_ms": 66.0, "p99_ms": 66.0, "mean_ms": 63.0, "std_ms": 2.0},
        "conditions": {"threads": 1, "precision": "fp32", "after": {"during": heat}},
        "profile": {"operators": operators, "peak_gflops": 80.0, "peak_gbytes_s": 12.0},
    }
    return [new_record("accuracy", scored), new_record("latency", timed)]


def open_page(browser: Browser, report: Path, width: int, scheme: Any = "light") -> Page:
    """The report in a window so wide; what the page complained of or asked for is an error."""
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri(), wait_until="networkidle")
    assert complaints == []
    assert {url.split(":")[0] for url in asked} <= {"file", "data"}
    assert [url for url in asked if url.startswith("file")] == [report.as_uri()]
    return page


@pytest.mark.parametrize("width", [PHONE, DESK])
def test_table_and_charts_are_seen_and_nothing_else_is_asked_for(
    browser: Browser, report: Path, width: int
) -> None:
    page = open_page(browser, report, width)
    summary = page.locator("#summary table")
    assert summary.is_visible()
    assert "mobiledepth" in summary.inner_text()
    assert "63.0" in summary.inner_text()
    for kind in ("pareto", "over-time", "roofline"):
        charts = page.locator(f"figure.{kind} >> nth=0").locator("svg:visible")
        assert charts.count() == 1, kind
        box = charts.bounding_box()
        assert box is not None
        assert box["width"] > 0.8 * min(width, 700)
    assert page.get_by_text("This work", exact=True).locator("visible=true").count() == 1
    assert "Depth network report" in page.title()
    page.close()


@pytest.mark.parametrize("width", [320, PHONE, DESK])
def test_no_page_is_wider_than_its_window(browser: Browser, report: Path, width: int) -> None:
    page = open_page(browser, report, width)
    for details in page.locator("details").all():
        details.evaluate("details => details.open = true")
    assert page.evaluate(WIDTH) <= width
    page.close()


def test_a_contact_sheet_fits_a_phone_until_it_is_tapped(browser: Browser, report: Path) -> None:
    page = open_page(browser, report, PHONE)
    sheet = page.locator("figure.sheet img")
    widths = []
    for _ in range(2):
        box = sheet.bounding_box()
        assert box is not None
        widths.append(box["width"])
        sheet.click()
    assert 300 < widths[0] <= PHONE < 900 < widths[1]
    assert page.evaluate(WIDTH) <= PHONE
    page.close()


def test_letters_of_charts_can_be_read_on_a_phone(browser: Browser, report: Path) -> None:
    page = open_page(browser, report, PHONE)
    heights = page.evaluate(LETTER_HEIGHTS)
    assert len(heights) > 20
    assert min(heights) >= SMALLEST_PX
    page.close()


def test_charts_take_the_colours_of_a_dark_page(browser: Browser, report: Path) -> None:
    seen = {}
    for scheme in ("light", "dark"):
        page = open_page(browser, report, PHONE, scheme)
        seen[scheme] = [brightness(colour) for colour in page.evaluate(COLOURS)]
        page.close()
    (light_page, light_ink), (dark_page, dark_ink) = seen["light"], seen["dark"]
    assert light_page - light_ink > 0.7
    assert dark_ink - dark_page > 0.7


def brightness(colour: str) -> float:
    """Of `rgb(r, g, b)`, 0 to 1."""
    numbers = [float(part) for part in colour[colour.index("(") + 1 : -1].split(",")[:3]]
    return sum(numbers) / 3 / 255
