"""A report as a reader sees it: opened from a file in headless Chromium."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from playwright.sync_api import Browser, Page

from bench.accuracy.contact_sheet import PANELS, sheet_entry
from bench.records.record import Record, append_record, new_record, read_records
from bench.records.schema import METRICS
from bench.report.report import build_report
from bench.report.write import write_report
from depthbench.errors import CheckFailed, ToolMissing

PHONE, DESK, HEIGHT = 360, 1280, 800
SCHEMES: tuple[Any, ...] = ("light", "dark")
LEAST_CONTRAST = 4.5
"""Of text and what is behind it, by WCAG 2.2, 1.4.3."""
LOOK = Path(__file__).with_name("look_at_text.js")
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
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two networks on one phone, the second by a name that is long and no text."""
    folder = tmp_path_factory.mktemp("report")
    records = [*measured("mobiledepth"), *measured(LONG_NAME)]
    draw_sheet(folder / "sheet.png")
    records[0]["sheet"] = sheet_entry(folder / "sheet.png", folder / "records.jsonl")
    return write_page(folder, records)


@pytest.fixture(scope="module")
def sweep(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight networks in three precisions, counted and not timed; two of them are not trained.

    Two cells failed; one network was calibrated, and its flicker measured.
    """
    folder = tmp_path_factory.mktemp("sweep")
    draw_sheet(folder / "sheet.png")
    records: list[Record] = []
    for number in range(8):
        name, delta1 = f"network-{number}", 0.60 + 0.03 * number - 0.024 * (number == 7)
        score = scored(name, delta1, f"{number:02x}" * 32)
        score["origin"] = {"kind": "random" if number in (2, 3) else "trained"}
        score["sheet"] = sheet_entry(folder / "sheet.png", folder / "records.jsonl")
        records.append(score)
        for precision, share in (("fp32", 1.0), ("fp16", 0.5), ("int8", 0.3)):
            ms = (20 + 6 * number + 40 * (number == 7)) * share
            records.append(counted(name, precision, ms, f"{number:02x}" * 32))
    records += [failed("inv_res", "fp16"), failed("network-with-a-long-name", "int8")]
    return write_page(folder, [*records, calibrated("network-6"), flickering("network-6")])


@pytest.fixture(scope="module")
def devices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One network on two phones, on the first for the second time."""
    records: list[Record] = []
    for phone, ms in (("phone A", 80.0), ("phone A", 60.0), ("phone B", 90.0)):
        score, timed = measured("network-1")
        timed |= {"device": {"name": phone, "emulated": False}, "p50_ms": ms}
        records += [score, timed | {"time": f"2026-01-{len(records) + 1:02d}T00:00:00+00:00"}]
    return write_page(tmp_path_factory.mktemp("devices"), records)


def write_page(folder: Path, records: list[Record]) -> Path:
    for record in records:
        append_record(folder / "records.jsonl", record)
    write_report(build_report(records), folder / "report.html", [folder])
    return folder / "report.html"


def draw_sheet(path: Path) -> None:
    """Two rows of four panels, and where they are."""
    boxes = [[10 + 330 * n, 10, 330 + 330 * n, 250] for n in range(4)]
    told = {"near_m": 1.0, "far_m": 5.0, "worst_m": 0.5, "boxes": boxes}
    rows = [{**told, "name": f"image {n}", "delta1": 0.5 + n / 10} for n in range(2)]
    info = PngInfo()
    info.add_text(PANELS, json.dumps(rows))
    Image.new("RGB", (1340, 900), "teal").save(path, pnginfo=info)


def unfold(page: Page) -> None:
    for details in page.locator("details").all():
        details.evaluate("details => details.open = true")


def scored(model: str, delta1: float, sha256: str) -> Record:
    fields: dict[str, Any] = {
        **{"model": model, "weights": "trained on nyu", "runtime": "onnxruntime", "data": "nyu"},
        **{"split": "test", "protocol": "paper", "images": 654, "averaging": "per image"},
        **{"flip": True, "model_sha256": sha256, **dict.fromkeys(METRICS, 0.7)},
        **{"delta1": delta1, "origin": {"kind": "trained"}},
    }
    return new_record("accuracy", fields)


def counted(model: str, precision: str, ms: float, sha256: str) -> Record:
    estimate = {
        **{"core": "Raspberry Pi 5", "clock_ghz": 2.4, "cycles": ms * 2.4e6},
        **{"compute_cycles": ms * 2.2e6, "memory_cycles": ms * 2e5, "milliseconds": ms},
        **{"low_ms": 0.92 * ms, "high_ms": 1.09 * ms, "error_source": "the errors of 25 networks"},
    }
    fields: dict[str, Any] = {
        **{"model": model, "model_sha256": sha256, "source": "emulated", "label": "emulated"},
        **{"artefact_sha256": f"{model}-{precision}", "target": "arm64-a76", "agreement": {}},
        **{"device": {"name": "emulated-a76", "emulated": True}, "artefact_bytes": round(ms * 1e6)},
        **{"instructions": 1, "est_cycles": 1, "fma_cycles": 1, "macs": 1, "seconds": 1.0},
        **{"counted_instructions": [1], "kernels": [], "peers": {}, "estimate": estimate},
        "conditions": {"precision": precision, "threads": 1},
    }
    return new_record("cost", fields)


def failed(model: str, precision: str) -> Record:
    why = f"{model}.onnx on arm64-a76: the largest difference from ONNX Runtime is 0.031 relative"
    fields: dict[str, Any] = {
        **{"model": model, "runtime": "tvm", "device": {"name": "estimated"}, "cells": 26},
        "failed": [{"step": "compile", "why": f"{why} (limit 0.01)"}],
        "command": ["depthbench", "sweep", "--model", model, "--precision", precision],
        "conditions": {"precision": precision, "threads": 1},
    }
    return new_record("failed cell", fields)


def calibrated(model: str) -> Record:
    fields: dict[str, Any] = {
        **{"model": model, "card": {}, "fitted": "scale and shift", "scale": 1.1, "shift": 0.1},
        **{"scale_interval": None, "shift_interval": None, "pictures": 3, "points": 7},
        **{"focal": None, "mae_m": 0.08, "rel": 0.03, "before_mae_m": 0.4, "by_distance": []},
        **{"left_out_mae_m": 0.11, "left_out_rel": 0.045, "measured": [], "notes": []},
    }
    return new_record("calibration", fields)


def flickering(model: str) -> Record:
    fields: dict[str, Any] = {
        **{"model": model, "runtime": "onnxruntime", "data": "corridor.mp4", "flow": "DIS flow"},
        **{"share_of": "depth", "frames_per_second": 30.0, "size": [480, 640], "frames": 300},
        **{"pairs": 297, "cuts": 1, "gaps": 0, "visible": 0.9, "flicker": 0.012},
        **{"flicker_p95": 0.031, "worst_s": 3.3, "aligned": 0.01, "scale_change": 0.01},
        **{"deviation": None, "damage": "", "per_pair": []},
    }
    return new_record("flicker", fields)


def measured(model: str) -> list[Record]:
    """A network that was scored, and timed on a phone, with temperatures and a profile."""
    samples = [60.0 + i % 7 for i in range(300)]
    heat = {"every_s": 10, "hottest_each_sample_c": [35.0, 38.5, 40.0]}
    operators = [
        {"name": f"conv_{i}_{model}", "operator": "conv", "ms": i, "macs": 10**7, "bytes": 10**6}
        for i in range(1, 30)
    ]
    timed: dict[str, Any] = {
        **{"model": model, "target": "arm64-a76", "device": {"name": "phone", "emulated": False}},
        **{"artefact_sha256": "cd" * 32, "artefact_bytes": 23_000_000, "agreement": {}},
        **{"model_sha256": "ab" * 32},
        **{"samples_ms": samples, "sessions": [samples[:150], samples[150:]], "count": 300},
        **{"valid": True, "reasons": [], "quick": False},
        **{"p50_ms": 63.0, "p90_ms": 66.0, "p99_ms": 66.0, "mean_ms": 63.0, "std_ms": 2.0},
        "conditions": {"threads": 1, "precision": "fp32", "after": {"during": heat}},
        "profile": {"operators": operators, "peak_gflops": 80.0, "peak_gbytes_s": 12.0},
    }
    return [scored(model, 0.7, "ab" * 32), new_record("latency", timed)]


def open_page(browser: Browser, report: Path, width: int, scheme: Any = "light") -> Page:
    """The report in a window so wide; what the page complained of or asked for is an error."""
    page = browser.new_page(viewport={"width": width, "height": HEIGHT}, color_scheme=scheme)
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
def test_figures_and_charts_are_seen_and_nothing_else_is_asked_for(
    browser: Browser, report: Path, width: int
) -> None:
    page = open_page(browser, report, width)
    figures = page.locator("dl.figures")
    assert figures.is_visible()
    assert "63.0 ms" in figures.inner_text()
    unfold(page)
    for kind in ("pareto", "over-time", "roofline"):
        charts = page.locator(f"figure.{kind} >> nth=0").locator("svg:visible")
        assert charts.count() == 1, kind
        box = charts.bounding_box()
        assert box is not None
        assert box["width"] > 0.8 * min(width, 600)
    assert page.get_by_text("paper: This work", exact=True).locator("visible=true").count() == 1
    assert "Depth network report" in page.title()
    page.close()


@pytest.mark.parametrize("which", ["report", "sweep", "devices"])
def test_the_first_screen_is_within_the_first_window(
    browser: Browser, request: pytest.FixtureRequest, tmp_path: Path, which: str
) -> None:
    page = open_page(browser, request.getfixturevalue(which), DESK)
    parts = ["h1", ".what", ".verdict", ".figures, .places", "figure.pareto svg:visible"]
    parts += [".panels img >> nth=3"] if which != "devices" else []
    bottom = 0.0
    for part in parts:
        box = page.locator(part).bounding_box()
        assert box is not None, part
        assert box["width"] > 100, part
        assert box["x"] + box["width"] <= DESK, part
        # A table of devices is higher than five figures: the chart begins there, and is seen.
        seen = box["y"] + (80 if which == "devices" else box["height"])
        assert seen <= HEIGHT, part
        bottom = max(bottom, box["y"])
    assert page.locator("details[open]").count() == 0
    first = page.locator("main > details >> nth=0").bounding_box()
    assert first is not None
    assert first["y"] > bottom
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        page.screenshot(path=tmp_path / "first.png")
        with Image.open(tmp_path / "first.png") as picture:
            mean = float(np.asarray(picture.convert("L")).mean()) / 255
        assert (mean > 0.7) if scheme == "light" else (mean < 0.35)
    page.close()


@pytest.mark.parametrize("which", ["report", "sweep", "devices"])
def test_text_can_be_read_and_covers_no_other(
    browser: Browser, request: pytest.FixtureRequest, which: str
) -> None:
    page = open_page(browser, request.getfixturevalue(which), DESK)
    for width, scheme in itertools.product((390, DESK), SCHEMES):
        page.set_viewport_size({"width": width, "height": HEIGHT})
        page.emulate_media(color_scheme=scheme)
        seen = page.evaluate(f"(() => {{ {LOOK.read_text()} return look(); }})()")
        assert len(seen["contrasts"]) > 50
        assert [text for text, ratio in seen["contrasts"] if ratio < LEAST_CONTRAST] == []
        assert seen["overlapping"] == []
        assert seen["outside"] == []
        assert page.evaluate(WIDTH) <= width
    page.close()


def test_the_table_sorts_without_a_script(browser: Browser, sweep: Path) -> None:
    page = open_page(browser, sweep, DESK)
    page.locator("#measurements > summary").click()
    for key, column in (("time", 3), ("size", 5), ("accuracy", 2)):
        page.locator(f"label[for=by-{key}]").click()
        rows = page.locator("#measurements tbody tr").all()
        found = [(row.bounding_box(), row.locator("th, td").nth(column)) for row in rows]
        ordered = sorted((box["y"], cell.inner_text()) for box, cell in found if box)
        told = [text for _, text in ordered if text[0].isdigit() and "not trained" not in text]
        shown = [float(text.split()[0]) for text in told]
        assert len(shown) > 10
        assert shown == sorted(shown, reverse=key == "accuracy"), key
    page.close()


def test_what_a_sceptic_asks_next_is_on_the_first_screen(browser: Browser, sweep: Path) -> None:
    page = open_page(browser, sweep, DESK)
    asides = page.locator("dl.asides > div")
    told = dict(text.split("\n", 1) for text in asides.all_inner_texts())
    assert list(told) == ["failed", "calibration", "flicker"]
    assert "2 of 26 cells" in told["failed"]
    why = page.get_by_text("largest difference from ONNX Runtime").first
    assert not why.is_visible()
    page.locator("#failed > summary").click()
    assert why.is_visible()
    for box in [one.bounding_box() for one in asides.all()]:
        assert box is not None
        assert box["y"] + box["height"] <= HEIGHT
    page.close()


def test_the_best_of_a_sweep_is_named_and_each_device_has_its_own_figures(
    browser: Browser, sweep: Path, devices: Path
) -> None:
    page = open_page(browser, sweep, DESK)
    assert page.locator("h1").inner_text().startswith("8 networks in 3 precisions on Raspberry Pi")
    assert (
        "Best of 24: network-6 fp32, the fastest within 0.01"
        in page.locator(".verdict").inner_text()
    )
    page.close()
    page = open_page(browser, devices, DESK)
    rows = page.locator("table.places tbody tr")
    told = {text.split("\n")[0].strip(): text for text in rows.all_inner_texts()}
    assert len(told) == 2
    assert "60.0 ms" in told["phone A"]
    assert "\N{MINUS SIGN}25.0 %" in told["phone A"]
    assert "90.0 ms" in told["phone B"]
    assert "first run" in told["phone B"], "another device is no earlier run"
    assert "75.0" not in page.locator("body").inner_text(), "the mean of both"
    page.close()


def test_printing_unfolds_and_the_pdf_is_the_page(
    browser: Browser, report: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import pypdfium2

    page = open_page(browser, report, DESK)
    again = page.get_by_text("depthbench report out/records.jsonl")
    assert not again.is_visible()
    page.emulate_media(media="print")
    assert again.is_visible()
    page.close()
    document = build_report(read_records(report.parent / "records.jsonl"))
    write_report(document, tmp_path / "report.pdf", [report.parent])
    pdf = pypdfium2.PdfDocument(tmp_path / "report.pdf")
    pages = [one.get_textpage().get_text_bounded() for one in pdf]
    assert document["headline"]["title"].split()[0] in pages[0]
    assert "63.0 ms" in pages[0]
    assert "depthbench report out/records.jsonl" in pages[-1]
    assert "Artefact and agreement" in " ".join(pages)
    monkeypatch.setenv("DEPTHBENCH_BROWSER", "no-such-browser")
    with pytest.raises(ToolMissing, match="DEPTHBENCH_BROWSER"):
        write_report(document, tmp_path / "other.pdf")
    monkeypatch.setenv("DEPTHBENCH_BROWSER", "false")
    with pytest.raises(CheckFailed, match="false cannot print the report: exit code 1"):
        write_report(document, tmp_path / "other.pdf")
    assert [file.name for file in tmp_path.iterdir()] == ["report.pdf"]


@pytest.mark.parametrize("which", ["report", "sweep", "devices"])
def test_no_page_is_wider_than_its_window(
    browser: Browser, request: pytest.FixtureRequest, which: str
) -> None:
    page = open_page(browser, request.getfixturevalue(which), DESK)
    unfold(page)
    for width in (320, PHONE, DESK):
        page.set_viewport_size({"width": width, "height": HEIGHT})
        assert page.evaluate(WIDTH) <= width
    page.close()


def test_a_contact_sheet_fits_a_phone_until_it_is_tapped(browser: Browser, report: Path) -> None:
    page = open_page(browser, report, PHONE)
    unfold(page)
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
    unfold(page)
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
