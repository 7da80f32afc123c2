"""A plan's faults are told all at once, each with its place, before anything is run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from bench.sweep.plan.checks import check_plan
from bench.sweep.plan.faults import Faults
from bench.sweep.plan.plan import SIZE_FORMS, Plan, read_plan


def check(text: str, tmp_path: Path) -> list[str]:
    """The faults of a plan, without the folder that it lies in."""
    path = tmp_path / "plan.toml"
    path.write_text(text)
    plan, faults = read_plan(path, {}, {})
    if plan:
        check_plan(plan, tmp_path, faults)
    return [fault.replace(f"{tmp_path}/", "") for fault in faults.found]


def test_a_plan_may_be_short(tmp_path: Path) -> None:
    assert check('models = ["mobiledepth"]\nscore.data = "rooms"', tmp_path) == []


def test_all_that_has_the_wrong_form_is_told_with_its_line(tmp_path: Path) -> None:
    text = """models = ["mobiledepth", 3]
sizes = ["own", [1, 2, 3], true]
precisions = []
threads = [0]
sorts = 1
[score]
imges = 4
[answer]
at_most.ms = "fast"
"""
    assert check(text, tmp_path) == [
        "plan.toml:1, models, entry 2: write a network's name, a file, or "
        "{model = FILE, card = CARD}",
        f"plan.toml:2, sizes, entry 2: write {SIZE_FORMS}",
        f"plan.toml:2, sizes, entry 3: write {SIZE_FORMS}",
        "plan.toml:3, precisions: is empty, so that there is no cell; name at least one",
        "plan.toml:4, threads, entry 1: should be greater than or equal to 1",
        "plan.toml:7, score, imges: no such key; did you mean 'images'?",
        "plan.toml:9, answer, at_most, ms: should be a valid number",
        "plan.toml:5, sorts: no such key; did you mean 'score'?",
    ]


def test_what_does_not_exist_is_told_beside_what_has_the_wrong_form(tmp_path: Path) -> None:
    text = """models = [3, "mobiledeth", "fcrn"]
precisions = ["fp8"]
sizes = [true, 100]
colour = 3
[answer]
best = "speed"
at_most = 4
"""
    assert [fault.partition(": ")[0] for fault in check(text, tmp_path)] == [
        "plan.toml:1, models, entry 1",
        "plan.toml:3, sizes, entry 1",
        "plan.toml:7, answer, at_most",
        "plan.toml:4, colour",
        "plan.toml:2, precisions, entry 1",
        "plan.toml:6, answer, best",
        "plan.toml:1, models, entry 2",
        "plan.toml:3, sizes, entry 2",
    ]


def test_all_that_does_not_exist_is_told(tmp_path: Path) -> None:
    text = """models = ["mobiledeth", "none.onnx", "fcrn"]
sizes = [100]
precisions = ["fp23"]
runtimes = ["tmv"]
devices = ["estimate", "phone"]
score = {data = "nuy", protocol = "eigne", split = "tset"}
estimate = {core = "pi9"}
answer = {best = "m", at_least = {delta = 0.7}}
"""
    found = check(text, tmp_path)
    assert [fault.partition(":")[2].partition(": ")[0] for fault in found] == [
        "7, estimate, core",
        "3, precisions, entry 1",
        "4, runtimes, entry 1",
        "5, devices, entry 1",
        "5, devices, entry 2",
        "6, score, protocol",
        "6, score, split",
        "8, answer, best",
        "8, answer, at_least",
        "1, models, entry 1",
        "1, models, entry 2",
        "2, sizes, entry 1",
    ]
    assert "did you mean 'mobiledepth'?" in found[9]
    assert "must be multiples of 32" in found[11]


def test_what_cannot_be_combined_is_told(tmp_path: Path) -> None:
    text = """models = ["mobiledepth"]
precisions = ["fp32", "fp16"]
threads = [1, 2]
runtimes = ["tvm", "onnxruntime", "openvino"]
devices = ["estimated", "host", "emulated"]
score = false
"""
    assert check(text, tmp_path) == [
        "plan.toml:4, runtimes, entry 2: onnxruntime on emulated: on devices a sweep times tvm; "
        "`depthbench compare --device` times others",
        "plan.toml:4, runtimes, entry 3: openvino is not estimated; that are tvm, onnxruntime, "
        "ncnn, litert, mnn",
        "plan.toml:4, runtimes, entry 3: openvino on emulated: on devices a sweep times tvm; "
        "`depthbench compare --device` times others",
        "plan.toml:3, threads, entry 2: 2 threads, but what is estimated is one",
        "plan.toml:2, precisions, entry 2: tvm is timed on this machine in fp32 and int8, "
        "not in fp16",
        "plan.toml:2, precisions, entry 2: onnxruntime is measured in fp32, int8, not fp16",
        "plan.toml:2, precisions, entry 2: onnxruntime is timed on this machine in fp32 and int8, "
        "not in fp16",
        "plan.toml:2, precisions, entry 2: openvino is timed on this machine in fp32 and int8, "
        "not in fp16",
    ]


@pytest.mark.parametrize(
    ("axes", "place"),
    [
        ("sizes = ['own', 224]", "sizes, entry 2"),
        ("precisions = ['fp32', 'fp16', 'fp32']", "precisions, entry 3"),
        ("threads = [1, 1]", "threads, entry 2"),
    ],
)
def test_a_cell_that_is_there_twice_is_told(axes: str, place: str, tmp_path: Path) -> None:
    (fault,) = check(f"models = ['mobiledepth']\nscore = false\n{axes}", tmp_path)
    assert place in fault
    assert "is there already" in fault


def test_two_models_of_one_name_are_told(tmp_path: Path, make_model: Callable[..., Path]) -> None:
    make_model("tiny")
    (fault,) = check('models = ["tiny.onnx", "tiny.onnx"]\nscore.data = "rooms"', tmp_path)
    assert fault.startswith("plan.toml:1, models, entry 2: a second model called tiny")


def test_a_network_wins_over_a_folder_of_its_name(tmp_path: Path) -> None:
    (tmp_path / "mobiledepth").mkdir()
    assert check('models = ["mobiledepth"]\nscore = false', tmp_path) == []
    (tmp_path / "fcrn").write_bytes(b"a model")
    (fault,) = check('models = ["fcrn"]\nscore = false', tmp_path)
    assert fault.startswith("plan.toml:1, models, entry 1: fcrn is a network, and a file here")
    assert "write ./fcrn" in fault


def test_weights_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    (tmp_path / "bad.safetensors").write_bytes(b"nothing")
    text = 'models = ["none.safetensors", "bad.safetensors", {model = "a.safetensors", card = "b"}]'
    none, bad, card = check(f"{text}\nscore = false", tmp_path)
    assert none.startswith("plan.toml:1, models, entry 1: none.safetensors: ")
    assert bad.startswith("plan.toml:1, models, entry 2: bad.safetensors: ")
    assert "a card is for an ONNX file" in card


def test_a_file_keeps_the_size_that_it_has(tmp_path: Path, make_model: Callable[..., Path]) -> None:
    make_model("fixed", (32, 64))
    make_model("open", ("h", "w"))
    text = 'models = ["fixed.onnx", "open.onnx"]\nsizes = ["own", 64]\nscore = false'
    found = check(text, tmp_path)
    assert [fault.split(": ")[0] for fault in found] == [
        "plan.toml:2, sizes, entry 1",
        "plan.toml:2, sizes, entry 2",
    ]
    assert "open.onnx leaves its size open" in found[0]
    assert "64x64" in found[1]


def test_exclusions_leave_out_cells_and_must_leave_out_some(tmp_path: Path) -> None:
    text = """models = ["mobiledepth"]
precisions = ["fp32", "fp16"]
runtimes = ["tvm", "onnxruntime"]
score = false
[[exclude]]
runtime = "onnxruntime"
precision = "fp16"
"""
    assert check(text, tmp_path) == []
    (fault,) = check(text.replace('"fp16"\n', '"int8"\n'), tmp_path)[-1:]
    assert fault == "plan.toml:5, exclude, entry 1: leaves out no cell; correct it or remove it"


def test_a_models_own_size_can_be_left_out(tmp_path: Path, make_model: Callable[..., Path]) -> None:
    make_model("fixed", (64, 64))
    make_model("open", ("h", "w"))
    text = """models = ["mobiledepth", "fixed.onnx", "open.onnx"]
sizes = [224, 64]
score = false
[[exclude]]
size = "own"
[[exclude]]
model = "fixed"
size = 224
[[exclude]]
model = "mobiledepth"
size = 64
"""
    path = tmp_path / "plan.toml"
    path.write_text(text)
    plan, faults = read_plan(path, {}, {})
    assert plan
    cells = check_plan(plan, tmp_path, faults).cells
    assert [(cell.subject.name, cell.size) for cell in cells] == [
        ("open", (224, 224)),
        ("open", (64, 64)),
    ]


def test_faults_of_several_tables_of_one_name_have_the_line_of_theirs(tmp_path: Path) -> None:
    text = """models = ["mobiledepth"]
sizes = [
    [224, 224],
    [1, 2, 3]
]
precisions = ["fp23"]
score = false
[[exclude]]
model = "fcrn"
[[exclude]]
precison = "fp16"
[answer.at_most]
delta = 1
"""
    assert [fault.partition(": ")[0] for fault in check(text, tmp_path)] == [
        "plan.toml:2, sizes, entry 2",
        "plan.toml:11, exclude, entry 2, precison",
        "plan.toml:6, precisions, entry 1",
        "plan.toml:12, answer, at_most",
    ]
    text = text.replace("    [1, 2, 3]\n", "").replace("fp23", "fp32")
    text = text.replace("precison", "precision").replace("delta ", "ms ")
    assert [fault.partition(": ")[0] for fault in check(text, tmp_path)] == [
        "plan.toml:7, exclude, entry 1",
        "plan.toml:9, exclude, entry 2",
    ]


def test_what_is_no_plan_is_one_fault(tmp_path: Path) -> None:
    assert "not TOML" in check("models = [", tmp_path)[0]
    (deep,) = check(f"models = {'[' * 5000}{']' * 5000}", tmp_path)
    assert "lists within lists" in deep
    missing = read_plan(tmp_path / "none.toml", {}, {})[1]
    assert list(missing.found) == [f"{tmp_path}/none.toml: no such file; give a plan in TOML"]
    (empty,) = read_plan(None, {}, {"models": "--model"})[1].found
    assert empty == "--model: is missing"


def test_what_is_given_wins_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "plan.toml"
    path.write_text('models = ["a", "b"]\n[score]\ndata = "nyu"\nimages = 5\n')
    plan, _ = read_plan(path, {"models": ["c"], "score": {"images": 2}}, {})
    assert isinstance(plan, Plan)
    assert [entry.model for entry in plan.models] == ["c"]
    assert plan.score is not None
    assert (plan.score.data, plan.score.images) == ("nyu", 2)


def test_an_option_is_the_place_of_its_fault() -> None:
    faults = Faults(options={"score.data": "--data"})
    faults.add(("score", "data"), "no such data")
    assert list(faults.found) == ["--data: no such data"]


def test_a_plan_of_an_editor_that_marks_its_encoding(tmp_path: Path) -> None:
    assert check('\ufeffmodels = ["mobiledepth"]\nscore = false', tmp_path) == []


def test_one_value_is_no_list(tmp_path: Path) -> None:
    (fault,) = check('models = "mobiledepth"\nscore = false', tmp_path)
    assert fault == 'plan.toml:1, models: write a list: ["one", "another"] or [1, 2]'


def test_an_answer_that_there_cannot_be(tmp_path: Path) -> None:
    text = 'models = ["mobiledepth"]\nscore = false\n[answer]\nat_least.mb = 5\nat_most.mb = 4\n'
    (fault,) = check(text, tmp_path)
    assert fault == "plan.toml:4, answer, at_least: mb 5 is above at_most, 4"
    (fault,) = check(text.replace(".mb", ".rmse").replace("5", "3"), tmp_path)[:1]
    assert fault == "plan.toml:4, answer, at_least: rmse is not known where nothing is scored"
    assert check(text.replace("= 5", "= 4"), tmp_path) == []


def test_a_limit_that_no_figure_reaches(tmp_path: Path) -> None:
    text = 'models = ["mobiledepth"]\nscore.data = "rooms"\n[answer]\nat_least.delta1 = 75\n'
    assert check(f"{text}at_most.ms = -1\n", tmp_path) == [
        "plan.toml:4, answer, at_least: delta1 is never 75, but from 0 to 1",
        "plan.toml:5, answer, at_most: ms is never -1, but 0 or more",
    ]
