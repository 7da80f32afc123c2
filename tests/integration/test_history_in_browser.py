"""A history as a reader sees it: opened from a file in headless Chromium."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser

from bench.history.history import build_history
from bench.history.write_history import write_history
from bench.records.record import new_record

LONG_NAME = "long" * 40
COLOURS = """() => [document.body, document.querySelector('figure svg text')]
    .map(e => getComputedStyle(e)).map((s, i) => i ? s.fill : s.backgroundColor)
    .map(text => text.match(/[0-9]+/g).slice(0, 3).reduce((a, b) => a + Number(b), 0) / 765)"""
WIDTH = "() => document.scrollingElement.scrollWidth"


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A latency that jumps at its eighth run."""
    records = []
    for day, p50 in enumerate([60.0, 60.4, 59.8, 60.1, 60.3, 59.9, 60.0, 70.0], start=1):
        fields: dict[str, Any] = {
            **{"model": LONG_NAME, "target": "arm64-a76", "artefact_sha256": "cd" * 32},
            **{"device": {"name": LONG_NAME, "emulated": False}, "agreement": {}, "reasons": []},
            **{"samples_ms": [p50], "sessions": [[p50]], "valid": True, "quick": False},
            **{"p50_ms": p50, "p90_ms": p50, "p99_ms": p50, "mean_ms": p50, "std_ms": 1.0},
        }
        record = new_record("latency", fields)
        record["time"] = f"2026-01-{day:02}T00:00:00+00:00"
        record["conditions"]["git"] = {"commit": f"{day}" * 40, "dirty": False}
        records.append(record)
    path = tmp_path_factory.mktemp("history") / "history.html"
    write_history(build_history(records, LONG_NAME), path)
    return path


@pytest.mark.parametrize("width", [390, 1280])
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_page_fits_its_window_and_asks_for_nothing(
    browser: Browser, page_file: Path, width: int, scheme: Any
) -> None:
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(page_file.as_uri(), wait_until="networkidle")
    assert complaints == []
    assert [url for url in asked if not url.startswith("data:")] == [page_file.as_uri()]
    for details in page.locator("details").all():
        details.evaluate("details => details.open = true")
    assert page.evaluate(WIDTH) <= width
    chart = page.locator("figure svg:visible")
    assert chart.count() == 1
    # the jump's name stands at its point
    assert chart.get_by_text("8888888", exact=True).count() >= 1
    background, ink = page.evaluate(COLOURS)
    assert (ink - background > 0.7) if scheme == "dark" else (background - ink > 0.7)
    page.close()
