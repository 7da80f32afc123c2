"""What a check leaves for a CI server: JUnit XML by another's reader, Markdown by another's."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from unittest.mock import patch
from xml.etree import ElementTree

import junitparser
import numpy as np
import onnx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from onnx import TensorProto, helper, numpy_helper

from bench import cli
from bench.gates.check_summary import check_summary
from bench.gates.figure import GATES, Figure
from bench.gates.junit import junit_xml
from bench.models import Model, load_model
from bench.records.record import Record, append_record
from depthbench.errors import CheckFailed

SCHEMA: dict[str, tuple[set[str], set[str], set[str]]] = {
    "testsuites": (set(), {"name", "time", "tests", "failures", "errors"}, {"testsuite"}),
    "testsuite": (
        {"name", "tests", "failures", "errors"},
        {"time", "skipped", "timestamp", "hostname", "id", "package", "file"},
        {"testcase", "system-out", "system-err", "properties"},
    ),
    "testcase": ({"name"}, {"time", "classname"}, {"failure", "error", "skipped"}),
    "failure": (set(), {"message", "type"}, set()),
    "error": (set(), {"message", "type"}, set()),
    "skipped": (set(), {"message", "type"}, set()),
    "system-out": (set(), set(), set()),
}
"""By Jenkins' junit-10.xsd: attributes that must be there, others that may, and children."""


def read_junit(content: bytes) -> junitparser.JUnitXml:
    """What junitparser reads, of XML in the form of the schema, whose sums are right."""
    root = ElementTree.fromstring(content)
    assert root.tag == "testsuites"
    for element in root.iter():
        must, may, children = SCHEMA[element.tag]
        assert must <= set(element.keys()) <= must | may
        assert {child.tag for child in element} <= children
    parsed = junitparser.JUnitXml.fromstring(content)
    written = [(s.tests, s.failures, s.errors, s.skipped) for s in parsed]
    parsed.update_statistics()
    assert written == [(s.tests, s.failures, s.errors, s.skipped) for s in parsed]
    return parsed


figures = st.builds(
    Figure,
    gate=st.sampled_from(GATES),
    subject=st.text(),
    name=st.text(),
    was=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    now=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    unit=st.sampled_from(("", "m", "M", "ms")),
    verdict=st.sampled_from(("good", "FAILED", "told", "not judged")),
    why=st.text(),
    details=st.lists(st.text(), max_size=2).map(tuple),
)


@given(found=st.lists(figures, max_size=8), title=st.text(), error=st.none() | st.text())
def test_any_figures_are_valid_junit(found: list[Figure], title: str, error: str | None) -> None:
    found.sort(key=lambda figure: figure.gate)
    parsed = read_junit(junit_xml(title, found, 1234.5678, error))
    cases = [case for suite in parsed for case in suite]
    judged = [figure for figure in found if figure.verdict != "told"]
    assert len(cases) == len(judged) + (error is not None)
    results = [[type(result).__name__ for result in case.result] for case in cases]
    kinds = {"good": [], "FAILED": ["Failure"], "not judged": ["Skipped"]}
    assert results[: len(judged)] == [kinds[figure.verdict] for figure in judged]
    assert results[len(judged) :] == ([] if error is None else [["Error"]])


@given(found=st.lists(figures, min_size=1, max_size=5), error=st.none() | st.text())
def test_nothing_in_a_summary_is_markup_of_others(found: list[Figure], error: str | None) -> None:
    text = check_summary("a|b", found, ["<b>*x*</b>"], error)
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(text)
    assert not [token for token in tokens if token.type == "html_block"]
    inner = [child for token in tokens for child in token.children or ()]
    assert {child.type for child in inner} <= {"text", "strong_open", "strong_close"}
    rows = [token for token in tokens if token.type == "tr_open"]
    assert len(rows) == 1 + len(found)


USE = ["--limit", "2", "--meaning", "disparity"]


def save_network(path: Path, decoder: tuple[float, ...] = (2.0, 1.0, 0.5)) -> None:
    """Two convolutions, /encoder/Conv and /decoder/Conv; disparity of the image's colours."""
    weights = {
        "encoder.weight": np.eye(3, dtype=np.float32).reshape(3, 3, 1, 1),
        "decoder.weight": np.array(decoder, np.float32).reshape(1, 3, 1, 1),
        "decoder.bias": np.ones(1, np.float32),
    }
    image, disp = (
        helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, channels, 32, 48])
        for name, channels in (("image", 3), ("disp", 1))
    )
    nodes = [
        helper.make_node("Conv", ["image", "encoder.weight"], ["mid"], "/encoder/Conv"),
        helper.make_node("Relu", ["mid"], ["rest"], "/encoder/Relu"),
        helper.make_node(
            "Conv", ["rest", "decoder.weight", "decoder.bias"], ["disp"], "/decoder/Conv"
        ),
    ]
    initializers = [numpy_helper.from_array(values, name) for name, values in weights.items()]
    graph = helper.make_graph(nodes, "net", [image], [disp], initializers)
    opset = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=10), path)


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with net.onnx, net-swapped.onnx (two weights changed places) and a baseline."""
    folder = tmp_path_factory.mktemp("ci")
    save_network(folder / "net.onnx")
    (folder / "swapped").mkdir()
    save_network(folder / "swapped" / "net.onnx", decoder=(0.5, 1.0, 2.0))
    written = ["--data", "rooms", *USE, "--against", str(folder / "baseline.json"), "--update"]
    out = ["--out", str(folder / "out")]
    assert cli.run(["check", str(folder / "net.onnx"), *written, *out]) == 0
    return folder


Check = Callable[..., tuple[int, str, str]]


@pytest.fixture
def check(
    place: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Check:
    """Check a model against the baseline; its files are place/j.xml and place/s.md."""
    monkeypatch.chdir(place)
    for name in ("j.xml", "s.md"):
        Path(name).unlink(missing_ok=True)

    def run(*options: object, model: str = "net.onnx", data: str = "rooms") -> tuple[int, str, str]:
        files = ("--junit", "j.xml", "--summary", "s.md")
        scored = ("--data", data) if data else ()
        arguments = ("check", model, *scored, "--against", "baseline.json", *files, *options)
        code = cli.run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return run


def results(path: str = "j.xml") -> dict[str, tuple[str, str]]:
    """Of each test case `suite name`, what came of it and its message."""
    found = {}
    for suite in read_junit(Path(path).read_bytes()):
        for case in suite:
            outcome = [(type(result).__name__, result.message) for result in case.result]
            (found[f"{suite.name} {case.name}"],) = outcome or [("passed", "")]
    return found


def test_a_perturbed_weight_fails_and_is_named_in_every_file(check: Check) -> None:
    code, out, err = check("--json", model="swapped/net.onnx")
    assert code == 1, err
    document = json.loads(out)
    where = (
        "swapped/net.onnx first differs in initializer decoder.weight of node /decoder/Conv (Conv)"
    )
    assert document["first_difference"] == where
    found = results()
    assert found["accuracy prediction"][0] == "Failure"
    assert found["accuracy prediction"][1].endswith(where)
    passed = {name for name, (kind, _) in found.items() if kind == "passed"}
    # sums of the weights are as they were: their order is not
    assert {"accuracy input", "accuracy weights of encoder", "accuracy weights of decoder"} < passed
    assert "instructions instructions, arm64-a76, fp32" in passed
    assert found["latency p50"][0] == "Skipped"
    summary = Path("s.md").read_text()
    assert "decoder.weight of node /decoder/Conv" in summary
    assert "| **accuracy** | **prediction** |" in summary
    figures = {(one["gate"], one["name"]): one for one in document["figures"]}
    cost = figures["instructions", "instructions, arm64-a76, fp32"]
    assert cost["was"] == pytest.approx(cost["now"], rel=1e-3)
    assert figures["instructions", "estimated cycles"]["verdict"] == "told"
    tokens = MarkdownIt("gfm-like", {"linkify": False}).parse(summary)
    heads = [tokens[i + 1].content for i, token in enumerate(tokens) if token.type == "th_open"]
    assert heads == ["gate", "figure", "was", "now", "change", "allowed", "verdict"]


def test_a_weight_that_spoils_everything_is_named(check: Check, place: Path) -> None:
    (place / "spoilt").mkdir()
    save_network(place / "spoilt/net.onnx", decoder=(2.0, float("nan"), 0.5))
    code, _, err = check("--gate", "accuracy", model="spoilt/net.onnx")
    assert code == 1
    says = "not finite; spoilt/net.onnx first differs in initializer decoder.weight of node"
    assert says in err
    assert says in results()["check check runs"][1]


def test_all_gates_share_one_table(check: Check, place: Path) -> None:
    held = json.loads((place / "baseline.json").read_text())["instructions"]
    more = {**held, "network": "net", "instructions": held["instructions"] * 1.01}
    more["kernels"] = {**held["kernels"], "added": held["instructions"] // 100}
    more["instructions"] = sum(more["kernels"].values())
    with patch("bench.gates.instruction_gate.count_network", lambda *rest: more):
        code, out, err = check()
    assert code == 1, err
    (row,) = [line for line in out.splitlines() if "instructions, arm64-a76, fp32" in line]
    assert "FAILED" in row
    assert "added" in row
    assert "first differs" not in out
    kind, message = results()["instructions instructions, arm64-a76, fp32"]
    assert (kind, "added" in message) == ("Failure", True)


def test_records_of_several_devices_are_rows_of_their_own(
    check: Check, place: Path, make_record: Callable[..., Record]
) -> None:
    sha256 = load_model(place / "net.onnx").sha256
    records = place / "records.jsonl"
    records.unlink(missing_ok=True)
    for number in range(6):
        for device, ms in (("phone", 60.0), ("board", 90.0)):
            slow = 1.2 if (device, number) == ("board", 5) else 1.0 + 0.001 * number
            record = make_record(
                "latency",
                **{"model": "net", "model_sha256": sha256, "device": {"name": device}},
                p50_ms=ms * slow,
                p90_ms=ms * slow * 1.01,
                samples_ms=[ms, ms + number / 10],
            )
            append_record(records, {**record, "time": f"2026-01-0{number + 1}T00:00:00+00:00"})
        if number == 4:
            update = ("--gate", "latency", "--records", records, "--against", "timed.json")
            arguments = ["check", "net.onnx", *map(str, update), "--update"]
            assert cli.run(arguments) == 0
    code, _, err = check("--records", records, "--against", "timed.json", data="")
    assert code == 1, err
    kinds = {name: kind for name, (kind, _) in results().items()}
    assert kinds == {
        "latency p50, phone, arm64-a76, fp32, 1 thread": "passed",
        "latency p50, board, arm64-a76, fp32, 1 thread": "Failure",
    }


@pytest.mark.parametrize(
    ("options", "model", "says"),
    [
        ((), "damaged.onnx", "damaged.onnx: not an ONNX model"),
        ((), "missing.onnx", "missing.onnx: no such file"),
        (("--against", "missing.json"), "net.onnx", "missing.json: no such baseline"),
        (("--split", "train"), "net.onnx", "for split test, not train"),
    ],
)
def test_what_cannot_be_checked_is_an_error_in_the_files(
    check: Check, place: Path, options: tuple[str, ...], model: str, says: str
) -> None:
    (place / "damaged.onnx").write_bytes(b"\x08\x0aneither")
    code, out, err = check(*options, model=model)
    assert (code, out) == (2, "")
    assert says in err
    ((name, (kind, message)),) = results().items()
    assert (name, kind) == ("check check runs", "Error")
    assert says in message
    assert "not finished" in Path("s.md").read_text()


def test_what_cannot_be_counted_leaves_the_other_gates(check: Check) -> None:
    def count(*rest: object) -> None:
        raise CheckFailed("net for arm64-a76: outputs differ")

    with patch("bench.gates.instruction_gate.count_network", count):
        code, _, err = check()
    assert code == 1
    assert "depthbench: net for arm64-a76: outputs differ" in err
    found = results()
    assert found["accuracy delta1"][0] == "passed"
    assert found["check check runs"][0] == "Error"


def test_without_the_emulator_the_gate_is_left_out_or_the_code_is_3(
    check: Check, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    code, out, err = check()
    assert (code, out) == (3, "")
    (line,) = [line for line in err.splitlines() if line.startswith("depthbench: ")]
    assert "sudo apt-get install qemu-user, or leave the gate out: --gate accuracy" in line
    assert results()["check check runs"][0] == "Error"
    code, out, err = check("--gate", "accuracy")
    assert code == 0, err
    assert "instructions" not in out


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--junit", "nowhere/j.xml"), "nowhere/j.xml: there is no folder nowhere"),
        (("--summary", "j.xml"), "j.xml is named twice"),
        (("--junit", "baseline.json"), "baseline.json is named twice"),
        (("--junit", "net.onnx"), "net.onnx is named twice"),
        (("--records", "l.jsonl", "--summary", "l.jsonl"), "l.jsonl is named twice"),
        (("--junit", "out"), "is a directory"),
        (("--update",), "--junit, --summary: nothing to do, since --update checks nothing"),
    ],
)
def test_a_place_that_cannot_be_is_refused_before_anything_runs(
    check: Check, place: Path, options: tuple[str, ...], says: str
) -> None:
    before = (place / "baseline.json").read_bytes()
    code, out, err = check(*options)
    assert (code, out) == (2, "")
    assert says in err
    assert "Traceback" not in err
    assert not Path("j.xml").exists()
    assert (place / "baseline.json").read_bytes() == before


def test_the_baseline_says_in_which_precision_it_was_counted(place: Path, check: Check) -> None:
    held = json.loads((place / "baseline.json").read_text())["instructions"]
    seen = []

    def count(model: Model, precision: str, *rest: object) -> dict[str, Any]:
        seen.append(precision)
        return {**held, "network": model.name}

    half = ["check", "net.onnx", "--against", "half.json", "--gate", "instructions"]
    with patch("bench.gates.instruction_gate.count_network", count):
        assert cli.run([*half, "--precision", "fp16", "--update"]) == 0
        assert cli.run(half) == 0
    assert seen == ["fp16", "fp16"]
    code, _, err = check("--precision", "fp16")
    assert code == 2
    assert "baseline.json was written for precision fp32, not fp16" in err


def test_instructions_alone_need_no_images(place: Path, check: Check) -> None:
    held = {**json.loads((place / "baseline.json").read_text())["instructions"], "network": "net"}
    arguments = ["check", "net.onnx", "--against", "baseline.json", "--gate", "instructions"]
    with patch("bench.gates.instruction_gate.count_network", lambda *rest: held):
        assert cli.run(arguments) == 0
