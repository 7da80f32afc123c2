"""The command line's contract: help at once, JSON alone on stdout, one-line errors, exit codes."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from unittest.mock import patch

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image

from bench import cli
from bench.cli import command_groups

Run = Callable[..., tuple[int, str, str]]
BENCHMARKS = Path(cli.__file__).parents[2] / "benchmarks"


def one_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.startswith("depthbench: ")]
    assert len(lines) == 1, text
    assert "Traceback" not in text
    return lines[0]


def test_help_loads_no_toolchain() -> None:
    code = (
        "import sys, bench.cli\n"
        "bench.cli.run(['--help'])\n"
        "heavy = {'torch', 'tvm', 'onnxruntime', 'pandas', 'numpy'} & set(sys.modules)\n"
        "sys.exit(f'loaded {heavy}' if heavy else 0)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "rpc-measure" in done.stdout


@pytest.mark.parametrize("name", command_groups.COMMANDS)
def test_every_command_has_help(run: Run, name: str) -> None:
    code, out, _ = run(name, "--help")
    assert code == 0
    assert out.startswith("Usage: depthbench")


def test_models_as_json_is_one_document_with_every_network(run: Run) -> None:
    code, out, _ = run("models", "--json")
    rows = {row["name"]: row for row in json.loads(out)}
    assert code == 0
    flagship = rows["mobiledepth"]
    assert flagship["weights_paper_m"] == 6.4306
    assert flagship["weights_m"] == 5.8216
    assert round(flagship["macs_paper_g"], 3) == 0.705
    assert round(flagship["macs_conv_g"], 3) == 0.699
    assert len(rows) >= 29


def test_eval_scores_rendered_rooms(run: Run, depth_model: Path) -> None:
    code, out, _ = run(
        *("eval", depth_model, "--data", "rooms", "--limit", "2", "--protocol", "paper", "--json")
    )
    record = json.loads(out)
    assert code == 0
    assert record["images"] == 2
    assert {"rmse", "mae", "rel", "delta1", "delta2", "delta3"} <= set(record)
    assert (record["protocol"], record["runtime"]) == ("paper", "onnxruntime")
    means = np.mean([image["rmse"] for image in record["per_image"]])
    assert record["rmse"] == pytest.approx(means)


@pytest.mark.parametrize("protocol", ["fastdepth", "aligned", "median"])
def test_eval_takes_every_protocol(run: Run, depth_model: Path, protocol: str) -> None:
    code, out, _ = run(
        *("eval", depth_model, "--data", "rooms", "--limit", "1", "--protocol", protocol, "--json")
    )
    record = json.loads(out)
    assert code == 0
    assert record["protocol"] == protocol
    assert record["flip"] == (protocol != "fastdepth")
    assert ("either_mask" in record) == (protocol == "fastdepth")


def test_invalid_truth_that_counts_is_told_beside_the_right_figure(
    run: Run, depth_model: Path, tmp_path: Path
) -> None:
    data = tmp_path / "eigen"
    data.mkdir()
    depth = np.full((1, 480, 640), 1.5, dtype=np.float32)
    depth[0, 200:220] = 0
    np.save(data / "eigen_test_rgb.npy", np.full((1, 480, 640, 3), 128, dtype=np.uint8))
    np.save(data / "eigen_test_depth.npy", depth)
    np.save(data / "eigen_test_crop.npy", np.array([45, 470, 41, 600]))
    code, out, _ = run("eval", depth_model, "--data", data, "--protocol", "fastdepth", "--json")
    record = json.loads(out)
    assert code == 0
    assert record["delta1"] == 1
    assert 0.9 < record["either_mask"]["delta1"] < 1
    # JSON has no infinity.
    assert record["either_mask"]["rel"] is None


def test_eval_draws_a_contact_sheet(run: Run, depth_model: Path, tmp_path: Path) -> None:
    code, _, err = run(
        *("eval", depth_model, "--data", "rooms", "--limit", "2"),
        *("--sheet", "sheet.png", "--sheet-images", "1"),
    )
    assert code == 0, err
    with Image.open(tmp_path / "sheet.png") as sheet:
        assert sheet.format == "PNG"


NO_CLOCKS = ("0", "-1", "2.4", "0GHz", "-1GHz", "99GHz", "2.4 THz", "nanGHz", "1e1GHz", "GHz", "")


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("complexity", "mobildepth"), "did you mean 'mobiledepth'"),
        (("export", "nonsense"), "unknown network 'nonsense'"),
        (("export", "--size", "100", "100"), "multiples of 32"),
        (("eval", "missing.onnx"), "missing.onnx"),
        (("eval", "--data", "room"), "did you mean 'rooms'"),
        (("eval", "--data", "rooms", "--split", "validation"), "validation"),
        (("eval", "--protocol", "eigne"), "did you mean 'eigen'"),
        (("eval", "--limit", "0"), "--limit"),
        (("eval", "--data", "rooms", "--sheet", "sheet.jpg"), "FILE.png"),
        (("check", "--baseline", "missing.json"), "missing.json"),
        (("check", "--update"), "--reason"),
        (("compile", "--target", "arm64-a77"), "arm64-a76"),
        (("compile", "missing.onnx"), "missing.onnx"),
        (("compile", "--input-shape", "image=1x3x0x8"), "NAME=1x3x224x224"),
        (("rpc-measure", "--device", "emulatd"), "emulated"),
        (("rpc-measure", "--samples", "0"), "--samples"),
        (("cost", "mobildepth"), "did you mean 'mobiledepth'"),
        (("cost", "--precision", "fp8"), "unknown precision 'fp8'"),
        (("cost", "--precision", "fp16", "--peers", "litert"), "litert is measured in fp32, not"),
        (("cost", "--peers", "nccn"), "did you mean 'ncnn'"),
        (("cost", "--peers", "openvino"), "give some of"),
        (("cost", "--peers", ","), "no runtime is named"),
        *((("cost", "--clock", wrong), "write 2.4GHz or 2400MHz") for wrong in NO_CLOCKS),
        (("cost", "--core", "pi6"), "did you mean 'pi5'"),
        (("cost", "--threads", "2"), "one thread is estimated, not 2"),
        (("cost", "a", "b", "--model", "a.onnx"), "--model names the source of one artefact"),
        (("report", "missing.jsonl"), "missing.jsonl"),
        (("nonsense",), "nonsense"),
        (("comple",), "'compile'"),
        (("compile", "--treads", "2"), "'--threads'"),
        (("--nonsense",), "--nonsense"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(
    run: Run, tmp_path: Path, arguments: tuple[str, ...], says: str
) -> None:
    code, out, err = run(*arguments)
    assert code == 2, err
    assert says in one_line(err)
    assert out == ""
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("damage", ["text", "empty", "truncated"])
@pytest.mark.parametrize("command", ["eval", "compile", "cost", "rpc-measure"])
def test_a_file_that_is_no_model_is_refused(
    run: Run, depth_model: Path, tmp_path: Path, command: str, damage: str
) -> None:
    content = depth_model.read_bytes()
    wrong = {"text": b"not a model\n", "empty": b"", "truncated": content[: len(content) // 2]}
    path = tmp_path / "broken.onnx"
    path.write_bytes(wrong[damage])
    where = ("--device", "emulated") if command == "rpc-measure" else ()
    code, _, err = run(command, path, *where)
    assert code == 2, err
    assert "broken.onnx" in one_line(err)
    assert not (tmp_path / "out").exists() or not list((tmp_path / "out").iterdir())


def test_a_model_of_another_input_shape_is_refused(run: Run, tmp_path: Path) -> None:
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, [1, 10])
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, [1, 10])
    graph = helper.make_graph([helper.make_node("Relu", ["x"], ["y"])], "flat", [x], [y])
    path = tmp_path / "flat.onnx"
    opset = [helper.make_opsetid("", 18)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=10), path)
    code, _, err = run("eval", path, "--data", "rooms", "--limit", "1")
    assert code == 2
    assert "input 'x' has shape 1x10, not 1x3xHxW" in one_line(err)


def make_nyu(folder: Path, images: int = 2) -> Path:
    """The smallest data set in the layout of the folder of pairs."""
    (folder / "rgb").mkdir(parents=True)
    (folder / "depth8").mkdir()
    rows = ["index0,split,scene_type"]
    for i in range(images):
        rows.append(f"{i},test,kitchen")
        Image.new("RGB", (640, 480), (90, 90, 90)).save(folder / "rgb" / f"{i:05}.jpg")
        Image.new("L", (640, 480), 80).save(folder / "depth8" / f"{i:05}.png")
    (folder / "split.csv").write_text("\n".join(rows) + "\n")
    return folder


def test_a_data_folder_with_a_missing_file_is_refused(
    run: Run, depth_model: Path, tmp_path: Path
) -> None:
    data = make_nyu(tmp_path / "nyu")
    (data / "depth8" / "00001.png").unlink()
    code, _, err = run("eval", depth_model, "--data", data)
    assert code == 2
    assert "00001" in one_line(err)


def test_a_pair_of_different_sizes_is_refused(run: Run, depth_model: Path, tmp_path: Path) -> None:
    data = make_nyu(tmp_path / "nyu")
    Image.new("L", (320, 240), 80).save(data / "depth8" / "00001.png")
    code, _, err = run("eval", depth_model, "--data", data)
    assert code == 2
    assert "00001" in one_line(err)


def test_nan_in_a_depth_map_is_masked_counted_and_said(
    run: Run, depth_model: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    data = tmp_path / "eigen"
    data.mkdir()
    depth = np.full((2, 480, 640), 2.0, dtype=np.float32)
    depth[1, 100:110, 100:110] = np.nan
    np.save(data / "eigen_test_rgb.npy", np.full((2, 480, 640, 3), 128, dtype=np.uint8))
    np.save(data / "eigen_test_depth.npy", depth)
    np.save(data / "eigen_test_crop.npy", np.array([45, 470, 41, 600]))
    code, out, _ = run("eval", depth_model, "--data", data, "--json")
    record = json.loads(out)
    assert code == 0
    assert record["invalid_pixels"] == 100
    assert all(np.isfinite(image["rmse"]) for image in record["per_image"])
    assert [r for r in caplog.messages if "100 pixels of depth in 1 image" in r]


def test_a_full_disk_is_one_line_and_exit_code_3(run: Run, tmp_path: Path) -> None:
    full = OSError(errno.ENOSPC, "No space left on device", "out/fastdepth_pruned.onnx")
    with patch("depthbench.files.os.replace", side_effect=full):
        code, _, err = run("export", "fastdepth_pruned")
    assert code == 3
    assert "no space left" in one_line(err)
    assert not list((tmp_path / "out").iterdir())


def test_a_file_system_that_takes_no_folder_is_one_line_and_exit_code_2(run: Run) -> None:
    code, _, err = run("export", "fastdepth_pruned", "--output", "/proc/x/y/m.onnx")
    assert code == 2
    assert one_line(err) == (
        "depthbench: /proc/x/y: no folder can be made here; put it right or choose another"
    )


@pytest.mark.parametrize("option", ["--sheet", "--records"])
def test_a_file_system_that_takes_no_file_is_one_line_and_exit_code_2(
    run: Run, depth_model: Path, option: str
) -> None:
    data = ("--data", "rooms", "--limit", "1")
    code, _, err = run("eval", depth_model, *data, option, "/proc/x.png")
    assert code == 2
    assert one_line(err) == (
        "depthbench: /proc/x.png: no file can be made here; put it right or choose another"
    )


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_every_kind_of_full_disk_is_said_as_one(run: Run, number: int) -> None:
    with patch(
        "bench.paper.networks.describe_network", side_effect=OSError(number, "full", "out/x")
    ):
        code, _, err = run("complexity")
    assert code == 3
    assert "no space left on the disk while writing out/x" in one_line(err)


@pytest.mark.parametrize(
    "number", [errno.EACCES, errno.ENOTDIR, errno.EEXIST, errno.EROFS, errno.ENAMETOOLONG]
)
def test_a_place_that_takes_no_file_is_bad_input(run: Run, number: int) -> None:
    why = os.strerror(number)
    with patch("bench.paper.networks.describe_network", side_effect=OSError(number, why, "out/x")):
        code, _, err = run("complexity")
    assert code == 2
    assert one_line(err) == f"depthbench: out/x: {why}; put it right or choose another"


def test_an_unexpected_error_is_one_line_without_a_traceback(run: Run) -> None:
    with patch("bench.paper.networks.describe_network", side_effect=RuntimeError("boom\nbang")):
        code, _, err = run("complexity")
    assert code == 1
    assert "boom bang" in one_line(err)


def test_debug_shows_the_traceback(run: Run) -> None:
    with patch("bench.paper.networks.describe_network", side_effect=RuntimeError("boom")):
        _, _, err = run("--debug", "complexity")
    assert "Traceback" in err


def test_ctrl_c_is_exit_code_130(run: Run) -> None:
    with patch("bench.paper.networks.describe_network", side_effect=KeyboardInterrupt):
        code, out, err = run("complexity")
    assert (code, out) == (130, "")
    assert "interrupted" in one_line(err)


OF_NO_NETWORK = (
    *("farm", "slow_downs", "onnx_node_tests", "random_operators", "mutated_models"),
    *("frame_conversion", "cost_model"),
)


@pytest.mark.parametrize(
    "file", sorted(p.stem for p in BENCHMARKS.glob("*.py") if p.stem not in OF_NO_NETWORK)
)
def test_benchmarks_refuse_an_unknown_network_in_one_line(file: str) -> None:
    script = BENCHMARKS / f"{file}.py"
    option = [] if file == "paper_measured" else ["--models"]
    done = subprocess.run(
        [sys.executable, str(script), *option, "mobiledept"], capture_output=True, text=True
    )
    assert done.returncode == 2
    assert "'mobiledept'" in one_line(done.stderr)
    assert done.stdout == ""


def test_the_benchmark_of_compiling_refuses_an_unknown_target_in_one_line() -> None:
    script = BENCHMARKS / "compile_time.py"
    done = subprocess.run(
        [sys.executable, str(script), "--models", "eigen", "--targets", "arm64-a7"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 2
    assert one_line(done.stderr).startswith("depthbench: unknown target 'arm64-a7'")
