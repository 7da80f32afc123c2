"""The artefact folder as a whole. One small model, compiled once a target."""

from __future__ import annotations

import dataclasses
import functools
import json
import shutil
import struct
import subprocess
import sys
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest

from compile import cache_key, phases, pipeline, precision, targets
from compile.artefact import LIBRARY, Artefact, load_artefact
from compile.pipeline import compile_model
from compile.runtime.aligned_array import aligned_empty
from compile.runtime.executable import HostModel, Machine
from depthbench.errors import CheckFailed, InputError, ToolMissing
from tests.compile.conftest import Agree, Graph

MACHINES = {"x86_64": 62, "aarch64": 183}  # e_machine in the ELF specification


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory, new_graph: type[Graph]) -> Path:
    """An image to a map, with a name in its metadata."""
    graph = new_graph()
    y = graph.add("Conv", graph.input([1, 3, 16, 16], "image"), graph.weight(8, 3, 3, 3))
    y = graph.add("Conv", graph.add("Relu", y), graph.weight(1, 8, 1, 1), graph.weight(1))
    model = graph.model(y)
    onnx.helper.set_model_props(model, {"name": "tiny"})
    path = tmp_path_factory.mktemp("source") / "file.onnx"
    onnx.save(model, str(path))
    return path


@pytest.fixture(scope="module")
def made(source: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Artefact]:
    """The artefact for a target, compiled once."""

    @functools.cache
    def compiled(target: str) -> Artefact:
        return compile_model(source, target, tmp_path_factory.mktemp(target) / "made")

    return compiled


@pytest.fixture(params=["host", "arm64-a76"])
def artefact(request: pytest.FixtureRequest, made: Callable[[str], Artefact]) -> Artefact:
    return made(request.param)


@pytest.fixture
def host(made: Callable[[str], Artefact]) -> Artefact:
    return made("host")


def elf(library: Path) -> tuple[int, list[int], list[int]]:
    """e_machine, the tags of the dynamic section, and the alignments of the loaded segments."""
    content = library.read_bytes()
    assert content[:6] == b"\x7fELF\x02\x01"  # 64 bit, little endian
    (machine,) = struct.unpack_from("<H", content, 18)
    (table,) = struct.unpack_from("<Q", content, 32)
    size, count = struct.unpack_from("<HH", content, 54)
    tags, alignments = [], []
    for index in range(count):
        kind, _, offset, _, _, length, _, alignment = struct.unpack_from(
            "<IIQQQQQQ", content, table + index * size
        )
        if kind == 1:  # PT_LOAD
            alignments.append(alignment)
        if kind == 2:  # PT_DYNAMIC
            entries = struct.iter_unpack("<QQ", content[offset : offset + length])
            tags += [tag for tag, _ in entries]
    return machine, tags, alignments


def test_library_is_of_the_target_and_needs_no_other(artefact: Artefact) -> None:
    machine, tags, alignments = elf(artefact.library)
    triple = artefact.manifest["tvm_target"]["mtriple"]
    assert machine == MACHINES[triple.split("-")[0]]
    assert 5 in tags  # DT_STRTAB: the dynamic section was read
    assert 1 not in tags  # DT_NEEDED
    assert set(alignments) == {65536}


def test_manifest(artefact: Artefact, source: Path) -> None:
    manifest = json.loads((artefact.folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest == load_artefact(artefact.folder).manifest == artefact.manifest
    assert manifest["name"] == "tiny"
    assert manifest["precision"] == "fp32"
    assert manifest["source"]["file"] == "file.onnx"
    assert manifest["inputs"] == [{"name": "image", "shape": [1, 3, 16, 16], "dtype": "float32"}]
    assert [port["shape"] for port in manifest["outputs"]] == [[1, 1, 14, 14]]
    assert manifest["schedule"]["macs"] == 14 * 14 * (27 * 8 + 8)
    assert manifest["schedule"]["scheduled_share"] == 1
    rewrites = manifest["rewrites"]
    assert rewrites["macs_before"] == rewrites["macs_after"] == manifest["schedule"]["macs"]
    assert set(rewrites["applied"].values()) == {0}
    assert manifest["tools"]["apache-tvm"] == metadata.version("apache-tvm")
    on_host = artefact.manifest["target"]["name"] == "host"
    where = "the library itself" if on_host else "host build of the same schedules"
    assert manifest["check"]["where"] == where
    assert max(manifest["check"]["relative_difference"].values()) < 1e-5
    assert sorted(entry.name for entry in artefact.folder.iterdir()) == [
        "manifest.json",
        "model.so",
    ]
    assert len(list(artefact.folder.parent.iterdir())) == 1


def test_library_is_little_more_than_the_weights(artefact: Artefact) -> None:
    assert artefact.manifest["files"]["model.so"]["bytes"] < 1 << 20


def test_runs_like_onnxruntime(host: Artefact, source: Path) -> None:
    image = np.random.default_rng(7).random((1, 3, 16, 16), dtype=np.float32)
    session = onnxruntime.InferenceSession(source.read_bytes())
    (wanted,) = session.run(None, {"image": image})
    (result,) = HostModel(host).run({"image": image}).values()
    np.testing.assert_allclose(result, wanted, rtol=1e-5, atol=1e-6)


def test_where_an_array_begins_and_what_runs_later_change_nothing(host: Artefact) -> None:
    model = HostModel(host)
    memory = np.random.default_rng(7).random(3 * 16 * 16 + 16, dtype=np.float32)
    start = -memory.ctypes.data % 64 // 4
    aligned = memory[start : start + 3 * 16 * 16].reshape(1, 3, 16, 16)
    shifted = np.concatenate([np.zeros(1, np.float32), aligned.ravel()])[1:].reshape(aligned.shape)
    (first,) = model.run({"image": aligned}).values()
    kept = first.copy()
    (second,) = model.run({"image": shifted}).values()
    model.run({"image": np.zeros_like(aligned)})
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_array_equal(second, kept)


def test_a_constant_result_cannot_be_overwritten(agree: Agree, graph: Graph) -> None:
    value = graph.constant(np.ones((1, 3, 8, 8), np.float32))
    model = graph.model(graph.add("Identity", value), graph.add("Relu", graph.input([1, 3, 8, 8])))
    constant, _ = Machine(agree(model).executable).run([np.zeros((1, 3, 8, 8), np.float32)])
    with pytest.raises(ValueError, match="read-only"):
        constant[...] = 0


@pytest.mark.parametrize("layout", ["read-only", "columns first", "backwards", "a part"])
def test_however_an_array_lies_the_result_is_the_same(host: Artefact, layout: str) -> None:
    model = HostModel(host)
    image = np.random.default_rng(7).random((1, 3, 16, 16), dtype=np.float32)
    (wanted,) = model.run({"image": image}).values()
    arrays = {
        "read-only": image.copy(),
        "columns first": np.asfortranarray(image),
        "backwards": np.ascontiguousarray(image[..., ::-1])[..., ::-1],
        "a part": np.pad(image, ((0, 0), (0, 0), (0, 0), (0, 3)))[..., :16],
    }
    arrays["read-only"].flags.writeable = False
    (result,) = model.run({"image": arrays[layout]}).values()
    np.testing.assert_array_equal(result, wanted)


@pytest.mark.parametrize("shift", [0, 1], ids=["read where it lies", "copied first"])
def test_an_input_handed_through_is_a_copy(agree: Agree, graph: Graph, shift: int) -> None:
    x = graph.input([1, 3, 8, 8])
    model = graph.model(graph.add("Identity", x), graph.add("Relu", x))
    machine = Machine(agree(model).executable)
    image = aligned_empty((1 + 3 * 8 * 8,), "float32")[shift : shift + 3 * 8 * 8]
    image = image.reshape(1, 3, 8, 8)
    image[...] = np.random.default_rng(0).random(image.shape)
    wanted, results = image.copy(), machine.run([image])
    image[...] = 0
    machine.run([image])
    for one in results:
        np.testing.assert_array_equal(one, wanted)


@pytest.mark.parametrize(
    "inputs",
    [
        {},
        {"picture": np.zeros((1, 3, 16, 16), np.float32)},
        {"image": np.zeros((1, 3, 16, 17), np.float32)},
        {"image": np.zeros((1, 3, 16, 16), np.float64)},
    ],
)
def test_wrong_arrays_are_refused(host: Artefact, inputs: dict[str, np.ndarray]) -> None:
    with pytest.raises(InputError, match=r"inputs must be|must be float32 of shape"):
        HostModel(host).run(inputs)


@pytest.mark.parametrize("artefact", ["arm64-a76"], indirect=True)
def test_only_host_runs_here(artefact: Artefact) -> None:
    with pytest.raises(InputError, match="compiled for arm64-a76"):
        HostModel(artefact)


def test_unchanged_work_is_skipped(host: Artefact, source: Path, tmp_path: Path) -> None:
    said: list[str] = []
    before = host.library.stat().st_mtime_ns
    again = compile_model(source, "host", host.folder, progress=said.append)
    assert again.reused
    assert again.manifest == host.manifest
    assert host.library.stat().st_mtime_ns == before
    assert said == ["reading the model"]


def test_unchanged_work_needs_no_tvm(artefact: Artefact, source: Path) -> None:
    name = artefact.manifest["target"]["name"]
    code = f"""
import sys
from pathlib import Path
from compile.pipeline import compile_model
again = compile_model(Path({str(source)!r}), {name!r}, Path({str(artefact.folder)!r}))
print(again.reused, sorted({{"tvm", "torch"}} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "[]"]


def test_the_module_is_written_after_each_phase(source: Path, tmp_path: Path) -> None:
    dump, made = tmp_path / "ir", tmp_path / "model"
    compile_model(source, "host", made, dump_ir=dump)
    texts = {file.name: file.read_text(encoding="utf-8") for file in sorted(dump.iterdir())}
    machine, numbers = targets.get("host"), precision.FP32
    listed = [
        *phases.repairs(machine, numbers),
        *phases.rewrites(numbers),
        *phases.kernels(machine, numbers),
        *phases.schedules(machine),
        *phases.lowering(machine),
    ]
    names = ["import", *(phase.name.replace("_", "-") for phase in listed if phase.when)]
    assert list(texts) == [f"{number:02d}-{name}.py" for number, name in enumerate(names, 1)]
    imported, planned = texts["01-import.py"], list(texts.values())[-1]
    assert "R.nn.conv2d" in imported
    assert "@T.prim_func" not in imported
    assert "R.nn.conv2d" not in planned
    assert "@T.prim_func" in planned
    with pytest.raises(InputError, match="not an empty folder"):
        compile_model(source, "host", made, dump_ir=dump)


def test_a_dump_is_made_of_unchanged_work_too(host: Artefact, source: Path, tmp_path: Path) -> None:
    again = compile_model(source, "host", tmp_path / "again", dump_ir=tmp_path / "first")
    assert not again.reused
    assert not compile_model(source, "host", again.folder, dump_ir=tmp_path / "second").reused
    assert again.sha256 == host.sha256
    first, second = (
        {file.name: file.read_bytes() for file in (tmp_path / name).iterdir()}
        for name in ("first", "second")
    )
    assert first == second


def test_code_for_another_processor_is_refused(host: Artefact) -> None:
    target = {**host.manifest["target"], "processor": "another"}
    elsewhere = dataclasses.replace(host, manifest={**host.manifest, "target": target})
    with pytest.raises(InputError, match=r"another processor \(another; this is"):
        HostModel(elsewhere)


@pytest.mark.parametrize("change", ["name", "library", "compiler", "force", "processor"])
def test_changed_work_is_done_again(
    host: Artefact, source: Path, tmp_path: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    def stop(*_: object, **__: object) -> None:
        done.append("compiled")
        raise KeyboardInterrupt

    folder = Path(shutil.copytree(host.folder, tmp_path / "model"))
    monkeypatch.setattr(pipeline, "generate", stop)
    if change == "library":
        (folder / LIBRARY).write_bytes(host.library.read_bytes() + b"x")
    if change == "compiler":
        monkeypatch.setattr(cache_key, "compiler_sha256", lambda: "other")
    if change == "processor":
        monkeypatch.setattr(targets, "processor_name", lambda: "other")
        targets._host.cache_clear()
    options = {"name": {"name": "new"}, "force": {"force": True}}.get(change, {})
    with pytest.raises(KeyboardInterrupt):
        compile_model(source, "host", tmp_path / "model", **options)  # type: ignore[arg-type]
    targets._host.cache_clear()
    assert done == ["compiled"]
    assert [entry.name for entry in tmp_path.iterdir()] == ["model"]


def test_a_wrong_result_is_never_put_in_place(
    source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    impossible = dataclasses.replace(precision.FP32, tolerance=-1.0)
    monkeypatch.setitem(precision._PRECISIONS, "fp32", impossible)
    with pytest.raises(CheckFailed, match="differs from ONNX Runtime"):
        compile_model(source, "host", tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_missing_linker(source: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("compile.lowering.linker.importlib.util.find_spec", lambda _: None)
    with pytest.raises(ToolMissing, match="pip install ziglang"):
        compile_model(source, "host", tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


def test_refuses_before_it_writes(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        compile_model(tmp_path / "nothing.onnx", "host", tmp_path / "model")
    with pytest.raises(InputError, match="unknown target"):
        compile_model(tmp_path / "nothing.onnx", "hots", tmp_path / "model")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("target", ["host", "arm64-a76"])
def test_outputs_that_are_inputs_or_constants_are_copies(tmp_path: Path, target: str) -> None:
    source = onnx.parser.parse_model("""
        <ir_version: 8, opset_import: ["" : 17]>
        agraph (float[2, 3] x, bool[1] b) =>
            (float[2, 3] copy, bool[1] flag, int64[2] shape, float[2, 3] mean, float one)
        <float one = {1.0}> {
            copy = Identity(x)
            flag = Identity(b)
            shape = Shape(x)
            mean = Dropout(x)
        }""")
    onnx.save(source, str(tmp_path / "m.onnx"))
    artefact = compile_model(tmp_path / "m.onnx", target, tmp_path / "out")
    assert artefact.manifest["schedule"]["families"] == {"elementwise": 5}
    if target == "host":
        x = np.arange(6, dtype=np.float32).reshape(2, 3)
        results = HostModel(artefact).run({"x": x, "b": np.array([True])})
        found = {name: value.tolist() for name, value in results.items()}
        wanted = {"copy": x.tolist(), "flag": [True], "shape": [2, 3], "mean": x.tolist()}
        assert found == {**wanted, "one": 1.0}
