"""What the report says, read through a Markdown parser that we did not write."""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from markdown_it import MarkdownIt

from bench.records.record import Record
from bench.records.schema import KINDS
from bench.records.validation import find_fault
from bench.report.csv_table import render_csv
from bench.report.html import render_html
from bench.report.markdown import render_markdown
from bench.report.report import build_report
from bench.report.write import write_report
from depthbench.errors import InputError

Make = Callable[..., Record]
Table = list[dict[str, str]]
ODD: tuple[object, ...] = (
    *(None, 0, -1.5, True, "x", [], [1], [[]], {}, {"a": 1}, {"a": {"b": []}}),
)


class Reader(HTMLParser):
    """Headings and tables of a page: each table under its heading."""

    def __init__(self, markdown: str) -> None:
        super().__init__()
        self.tables: dict[str, Table] = {}
        self.heading, self.tags = "", set[str]()
        self._tag, self._cells, self._head = "", list[str](), list[str]()
        self.feed(MarkdownIt("commonmark").enable("table").render(markdown))

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self._tag = tag
        self.tags.add(tag)
        if tag in ("td", "th"):
            self._cells.append("")
        if tag in ("h1", "h2", "h3"):
            self.heading = ""

    def handle_endtag(self, tag: str) -> None:
        self._tag = ""
        if tag == "tr" and self.heading not in self.tables:
            self._head, self.tables[self.heading] = self._texts(), []
        elif tag == "tr":
            row = dict(zip(self._head, self._texts(), strict=True))
            self.tables[self.heading].append(row)
        if tag == "tr":
            self._cells = []

    def _texts(self) -> list[str]:
        return [cell.strip() for cell in self._cells]

    def handle_data(self, data: str) -> None:
        if self._cells:
            self._cells[-1] += data
        elif self._tag in ("h1", "h2", "h3"):
            self.heading += data


EMULATED = {
    "device": {"name": "emulated-a76", "emulated": True},
    "emulated": True,
    "label": "emulated cost, not latency",
    "quick": True,
    "p50_ms": 5250.4,
}


@pytest.fixture
def records(make_record: Make) -> list[Record]:
    return [
        make_record("complexity"),
        make_record(),
        make_record(protocol="paper", rmse=1.5),
        make_record("latency"),
        make_record("emulated cost", **EMULATED),
    ]


def markdown(*records: Record) -> str:
    return render_markdown(build_report(records))


def read(*records: Record) -> Reader:
    return Reader(markdown(*records))


def test_size_and_cost_carry_their_units(records: list[Record]) -> None:
    table = read(*records).tables["Size and cost of the network"]
    assert [row["value"] for row in table] == ["6.4306 M", "5.8216 M", "0.705 G", "0.699 G"]
    assert "224x224" in table[2]["figure"]


def test_an_estimate_has_its_interval_and_core_and_is_no_latency(make_record: Make) -> None:
    heading = "Estimated on a Cortex-A76 (emulated, not a latency)"
    record = make_record("cost")
    text = markdown(record)
    (row,) = Reader(text).tables[heading]
    assert row["runtime"] == "depthbench"
    assert row["core"] == "Raspberry Pi 5, 2.4 GHz"
    assert row["estimated ms (emulated)"] == "41.2 (38.2 to 45.0)"
    assert (row["est. cycles [M]"], row["instructions [M]"]) == ("86.4", "217")
    assert "In brackets: eleven public networks." in text
    assert "Not measured: no device but the emulated one" in text
    (row,) = read(make_record("cost", estimate=None)).tables[heading]
    assert (row["core"], row["estimated ms (emulated)"]) == ("Cortex-A76, without caches", "-")


def test_every_accuracy_has_its_protocol_and_data(records: list[Record]) -> None:
    rows = read(*records).tables["Accuracy"]
    assert [(row["protocol"], row["RMSE [m]"]) for row in rows] == [
        ("eigen", "1.234"),
        ("paper", "1.500"),
    ]
    assert rows[0]["data, split"] == "nyu, test"
    assert (rows[0]["images"], rows[0]["δ1"], rows[0]["δ3"]) == ("50", "0.310", "0.730")


def test_made_up_weights_are_called_that(make_record: Make) -> None:
    assert "weights are not trained" in markdown(make_record())
    assert "weights are not trained" not in markdown(make_record(origin={"kind": "trained"}))


def test_emulated_figures_stay_out_of_the_latency(records: list[Record]) -> None:
    tables = read(*records).tables
    (latency,) = tables["Latency"]
    assert (latency["device"], latency["p50 [ms]"]) == ("phone", "61.5")
    assert "emulated" not in str(tables["Latency"])
    (cost,) = tables["Emulated cost (not a latency)"]
    assert cost["emulator's p50 [ms]"] == "5250"
    assert not any("latency" in name or "A76" in name for name in cost)
    assert all("emulator" in name for name in cost if "ms" in name)


def test_times_of_unknown_origin_are_nobodys_latency(make_record: Make) -> None:
    record = make_record(
        "unknown time", p50_ms=77.75, device={"name": "board", "emulated": None}, valid=False
    )
    tables = read(record).tables
    assert "Latency" not in tables
    (row,) = tables["Times of unknown origin (not a latency)"]
    assert (row["device"], row["p50 [ms]"], row["verdict"]) == ("board", "77.8", "INVALID")
    report = build_report([record])
    (line,) = report["summary"]
    assert line["ms"] is line["latency_ms"] is None
    assert line["no_latency"] == "unknown whether emulated"
    (cells,) = csv.DictReader(render_csv(report).splitlines())
    assert (cells["unknown_p50_ms"], cells["latency_p50_ms"], cells["emulator_p50_ms"]) == (
        *("77.75", "", ""),
    )
    page = render_html(report)
    assert "none: unknown whether emulated" in page
    assert "Time of unknown origin (not a latency) over time on board" in page


def test_without_a_device_there_is_no_latency(make_record: Make) -> None:
    text = markdown(make_record("emulated cost", **EMULATED))
    assert "Not measured: no device but the emulated one" in text
    assert "Latency" not in Reader(text).tables


def test_agreement_size_and_hash_are_told(records: list[Record]) -> None:
    rows = read(*records).tables["Artefact and agreement"]
    assert rows[0]["relative difference"] == "2.5e-07"
    assert rows[0]["limit"] == "1.0e-04"
    assert rows[0]["size"] == "23.46 MB"
    assert f"Artefact SHA-256: `{'cd' * 32}`" in markdown(*records)


def test_an_invalid_figure_says_so_and_why(make_record: Make) -> None:
    text = markdown(
        make_record("latency", valid=False, reasons=["the battery was at 41.0 °C (limit 37 °C)"])
    )
    assert Reader(text).tables["Latency"][0]["verdict"] == "INVALID"
    assert "- the battery was at 41.0 °C" in text
    quick = markdown(make_record("latency", quick=True))
    assert Reader(quick).tables["Latency"][0]["verdict"] == "valid, a quick look"


def test_the_papers_figures_are_set_apart(records: list[Record]) -> None:
    (row,) = read(*records).tables["What the paper prints for this network"]
    assert row["table"] == "IX"
    assert row["weights [M]"] == "6.43"
    assert row["MACs [G]"] == "0.70"
    assert row["latency on the paper's phone [ms]"] == "62"
    assert "REL" not in row


def test_equal_rows_of_the_paper_are_one(make_record: Make) -> None:
    (row,) = make_record("complexity")["paper"]
    again = {"table": "I", "row": "This work", "printed": {"cpu_ms": 62.0, "delta1": 0.827}}
    other = {"table": "X", "row": "With SE", "printed": {"cpu_ms": 70.0}}
    reader = read(make_record("complexity", paper=[row, again, other]))
    first, second = reader.tables["What the paper prints for this network"]
    assert (first["table"], first["row"]) == ("IX; I", "SplitShuffle (E); This work")
    assert (first["weights [M]"], first["δ1"]) == ("6.43", "0.827")
    assert second["row"] == "With SE"


@pytest.mark.parametrize("paper", [None, [], {}])
def test_a_network_that_is_not_in_the_paper(make_record: Make, paper: Any) -> None:
    assert "paper prints" not in markdown(make_record("complexity", paper=paper))


def test_one_row_of_the_paper_needs_no_list(make_record: Make) -> None:
    (row,) = make_record("complexity")["paper"]
    reader = read(make_record("complexity", paper=row))
    assert len(reader.tables["What the paper prints for this network"]) == 1


def test_a_measurement_done_again_replaces_the_older(make_record: Make) -> None:
    old = {**make_record(rmse=9.0), "time": "2020-01-01T00:00:00+00:00"}
    new = make_record(rmse=1.0)
    document = build_report([new, old])
    assert [r["rmse"] for r in document["models"][0]["accuracy"]] == [1.0]
    assert document["models"][0]["superseded"] == 1
    assert "Not shown: 1 older record of" in render_markdown(document)
    trained = make_record(weights="trained on nyu", origin={"kind": "trained"})
    assert len(build_report([old, trained])["models"][0]["accuracy"]) == 2


def test_the_document_is_json_without_the_raw_data(records: list[Record]) -> None:
    document = json.loads(json.dumps(build_report(records), allow_nan=False))
    (model,) = document["models"]
    assert document["schema"] == "depthbench.report/1"
    assert model["complexity"]["weights_paper_m"] == 6.4306
    assert model["emulated_cost"][0]["p50_ms"] == 5250.4
    for record in (*model["accuracy"], *model["latency"], *model["emulated_cost"]):
        assert not {"samples_ms", "sessions", "per_image"} & set(record)
    assert render_markdown(document) == markdown(*records)


def test_records_are_left_as_they_were(records: list[Record]) -> None:
    before = json.dumps(records)
    build_report(records)
    assert json.dumps(records) == before


def test_environments_are_told_once(records: list[Record], make_record: Make) -> None:
    document = build_report(records)
    assert len(document["environments"]) == 1
    elsewhere = make_record(protocol="fastdepth")
    elsewhere["conditions"]["host"]["cpu"] = "Another CPU"
    document = build_report([*records, elsewhere])
    assert len(document["environments"]) == 2
    text = render_markdown(document)
    assert "Another CPU" in text
    assert "environment 2" in text
    assert f"numpy {records[0]['conditions']['tools']['numpy']}" in text


def test_html_and_markdown_in_names_are_shown_not_obeyed(make_record: Make) -> None:
    name = "<script>alert(1)</script>|*x*[y](z)`"
    text = markdown(make_record("complexity", model=name), make_record(model=name, data=name))
    reader = Reader(text)
    assert not reader.tags & {"script", "img", "a", "em"}
    assert "&lt;script&gt;" in text
    assert reader.tables["Accuracy"][0]["data, split"] == f"{name}, test"


def test_every_model_has_its_own_section(make_record: Make) -> None:
    text = markdown(make_record(model="one"), make_record(model="two"))
    assert re.findall(r"^## (\w+)$", text, flags=re.MULTILINE) == [
        "Measurements",
        "one",
        "two",
        "Environments",
    ]


def test_no_record_no_report() -> None:
    with pytest.raises(InputError, match="no record"):
        build_report([])


def test_layout_has_no_stray_blank_lines(records: list[Record]) -> None:
    text = markdown(*records)
    assert "\n\n\n" not in text
    assert text.endswith("\n")
    assert not text.endswith("\n\n")
    assert not re.search(r"[ \t]$", text, flags=re.MULTILINE)


BEGINNINGS = {"md": "# Depth", "html": "<!doctype html>", "csv": "model,kind,"}


@pytest.mark.parametrize("ending", [*BEGINNINGS, "json"])
def test_written_by_ending(records: list[Record], tmp_path: Path, ending: str) -> None:
    document = build_report(records)
    path = tmp_path / "new" / f"report.{ending}"
    write_report(document, path)
    text = path.read_text()
    assert ending != "json" or json.loads(text) == document
    assert text.startswith(BEGINNINGS.get(ending, "{"))
    with pytest.raises(InputError, match=r"\.csv or \.json"):
        write_report(document, tmp_path / "report.docx")
    assert list(tmp_path.iterdir()) == [tmp_path / "new"]


# What is drawn is made of checked numbers; test_facts.py has odd ones for it.
@patch("bench.report.html.draw_pareto", return_value=None)
@patch("bench.report.html.draw_over_time", return_value=None)
def test_no_odd_value_that_the_schema_lets_through_breaks_the_report(
    over_time: Any, pareto: Any, make_record: Make
) -> None:
    rendered = 0
    for kind in KINDS:
        record = make_record(kind)
        places = [(record, key) for key in record]
        for inner in ("conditions", "agreement", "device"):
            places += [(record[inner], key) for key in record.get(inner, {})]
        for holder, key in places:
            kept = holder[key]
            for odd in ODD:
                holder[key] = odd
                if not find_fault(record):
                    document = build_report([record])
                    assert render_markdown(document).startswith("# Depth network report")
                    assert render_csv(document).startswith("model,")
                    assert render_html(document).startswith("<!doctype html>")
                    rendered += 1
            holder[key] = kept
    assert rendered > 500


def test_what_was_scored_on_the_device_is_told(make_record: Make) -> None:
    agreement = {"against": "onnxruntime", "max_relative_difference": 3e-7, "tolerance": 1e-4}
    scores = {"data": "rooms", "split": "test", "protocol": "eigen", "images": 7, "rmse": 0.5}
    scores |= {"rel": 0.25, "delta1": 0.75, "agreement": agreement, "per_image": [{"rmse": 0.5}]}
    record = make_record("latency", accuracy=scores)
    assert (
        "| phone | rooms, test | eigen | 7 | 0.500 | 0.250 | 0.750 | onnxruntime | 3.0e-07 |"
    ) in markdown(record)
    assert "per_image" not in json.dumps(build_report([record]))
