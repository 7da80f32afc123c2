from __future__ import annotations

import json
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

from bench.records.record import Record
from bench.report.reproduce import commands

Make = Callable[..., Record]


def test_an_evaluation_names_data_protocol_runtime_and_limit(make_record: Make) -> None:
    assert commands([make_record(data="my rooms", protocol="paper")]) == [
        "depthbench eval tiny --data 'my rooms' --split test --protocol paper "
        "--runtime onnxruntime --limit 50 --records out/records.jsonl"
    ]


def test_a_measurement_is_compiled_then_run_with_the_same_amounts(make_record: Make) -> None:
    assert commands([make_record("latency")]) == [
        "depthbench compile tiny --target arm64-a76 -o out/tiny-arm64-a76",
        "depthbench rpc-measure out/tiny-arm64-a76 --device phone --warmup 10 --samples 100 "
        "--seconds 60 --sessions 3",
    ]


def test_a_measurement_elsewhere_names_the_tracker_and_what_was_scored(make_record: Make) -> None:
    record = make_record("latency", accuracy={"images": 50, "data": "nyu", "protocol": "eigen"})
    record["conditions"]["before"] = {"tracker": "farm:9190", "key": "arm64-a76"}
    line = commands([record])[1]
    assert "--device tracker:farm:9190/arm64-a76 " in line
    assert line.endswith("--data nyu --protocol eigen --accuracy 50")


def test_a_cost_is_counted_again_beside_the_same_peers(make_record: Make) -> None:
    record = make_record("cost", peers={"ncnn": {}, "mnn": {}})
    record["conditions"]["precision"] = "fp16"
    record["device"] |= {"core": "sd855", "clock_ghz": 2.5}
    assert commands([record]) == [
        "depthbench cost tiny --precision fp16 --core sd855 --clock 2.5GHz --peers ncnn,mnn"
    ]


def test_precision_and_threads_are_those_of_the_record(make_record: Make) -> None:
    record = make_record("latency")
    record["conditions"] |= {"precision": "int8", "threads": 2}
    assert commands([record])[0] == (
        "depthbench compile tiny --target arm64-a76 --precision int8 --threads 2 "
        "-o out/tiny-arm64-a76"
    )


def test_a_sheet_is_drawn_where_the_records_expect_it(make_record: Make) -> None:
    (line,) = commands([make_record(sheet={"file": "../my sheet.png", "sha256": ""})])
    words = shlex.split(line)
    assert words[words.index("--sheet") + 1] == "my sheet.png"


def test_no_command_is_given_twice_and_a_records_own_wins(make_record: Make) -> None:
    own = make_record(command=["depthbench", "eval", "tiny.onnx"])
    lines = commands([make_record("complexity"), make_record("complexity"), own])
    assert lines == ["depthbench complexity tiny", "depthbench eval tiny.onnx"]


def test_a_name_cannot_become_a_command(make_record: Make) -> None:
    name = "x; rm -rf / #`whoami` $(id)"
    (line,) = commands([make_record("complexity", model=name)])
    assert shlex.split(line) == ["depthbench", "complexity", name]


CARD = {"meaning": "disparity", "mean": [0.5, 0.5, 0.5], "output": "it's depth"}


def test_a_model_from_elsewhere_is_named_by_its_file_and_its_card_written_first(
    make_record: Make, tmp_path: Path
) -> None:
    record = make_record(model_file="my models/tiny.onnx", card=CARD)
    write, score = commands([record])
    (tmp_path / "out").mkdir()
    subprocess.run(["sh", "-c", write], cwd=tmp_path, check=True)
    words = shlex.split(score)
    assert words[:3] == ["depthbench", "eval", "my models/tiny.onnx"]
    written = tmp_path / words[words.index("--card") + 1]
    assert json.loads(written.read_text(encoding="utf-8")) == CARD


def test_a_measurement_of_one_has_its_file_its_shapes_and_what_was_scored(
    make_record: Make,
) -> None:
    record = make_record(
        "latency",
        model_file="tiny.onnx",
        input_shapes={"image": [1, 3, 4, 6]},
        accuracy={"images": 50, "data": "nyu", "protocol": "aligned", "card": CARD},
    )
    _, compiles, measures = commands([record])
    assert compiles.startswith("depthbench compile tiny.onnx --target arm64-a76 --card out/card-")
    assert compiles.endswith(" --input-shape=image=1x3x4x6 -o out/tiny-arm64-a76")
    assert measures.endswith("--accuracy 50 --model tiny.onnx")


def test_cards_of_two_records_do_not_take_each_others_place(make_record: Make) -> None:
    other = {**CARD, "meaning": "metres"}
    lines = commands([make_record(model_file="a.onnx", card=card) for card in (CARD, other)])
    files = [line.rpartition(" > ")[2] for line in lines if " > " in line]
    assert len(set(files)) == 2


def test_a_networks_card_is_its_own(make_record: Make) -> None:
    assert len(commands([make_record(card=CARD)])) == 1
