"""One network in many forms, each with its card: every command sees the same network."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

import depthbench
from bench.accuracy.device_accuracy import accuracy_of
from bench.model_card import describe_model
from bench.models import load_model
from compile.artefact import load_artefact
from depthnet.data import open_dataset

Run = Callable[..., tuple[int, str, str]]
SCORED = ("--data", "rooms", "--limit", "1", "--json")
IMAGENET = ("--mean", 0.485, 0.456, 0.406, "--std", 0.229, 0.224, 0.225)
MEAN, STD = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
EDGES = (32, 48)


def make(
    path: Path,
    *,
    edges: tuple[int | str, int | str] = EDGES,
    layout: str = "NCHW",
    dtype: int = TensorProto.FLOAT,
    gain: NDArray[Any] | float = 1.0,
    offset: NDArray[Any] | float = 0.0,
    bgr: bool = False,
    given: tuple[str, ...] = ("depth",),
    axes: tuple[int, ...] = (),
    metadata: Mapping[str, str] | None = None,
) -> Path:
    """Depth is 1 + 2 red + green of the levels in [0, 1], which are `gain` times input + `offset`.

    Outputs `given` are of: depth, disparity (3 / depth + .5), half (disparity of half the size),
    mean (of the whole image); `axes` are squeezed from maps.
    """
    red_first = np.array([[2.0, 1.0, 0.0]])
    scale, shift = np.broadcast_to(gain, 3), np.broadcast_to(offset, 3)
    kernel = (red_first * scale)[:, ::-1] if bgr else red_first * scale
    constants = {
        "kernel": kernel.astype(np.float32).reshape(1, 3, 1, 1),
        "bias": (1 + red_first @ shift).astype(np.float32),
        "three": np.float32(3),
        "shift": np.float32(0.5),
        "axes": np.array(axes, np.int64),
    }
    nodes = [helper.make_node("Cast", ["image"], ["floats"], to=TensorProto.FLOAT)]
    perm = [0, 3, 1, 2] if layout == "NHWC" else [0, 1, 2, 3]
    nodes += [
        helper.make_node("Transpose", ["floats"], ["planes"], perm=perm),
        helper.make_node("Conv", ["planes", "kernel", "bias"], ["metres"]),
        helper.make_node("Div", ["three", "metres"], ["inverse"]),
        helper.make_node("Add", ["inverse", "shift"], ["affine"]),
        helper.make_node("AveragePool", ["affine"], ["small"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("GlobalAveragePool", ["metres"], ["mean"]),
    ]
    sources = {"depth": "metres", "disparity": "affine", "half": "small"}
    for name, source in sources.items():
        squeezed = [source, "axes"] if axes else [source]
        nodes.append(helper.make_node("Squeeze" if axes else "Identity", squeezed, [name]))
    shape = [1, 3, *edges] if layout == "NCHW" else [1, *edges, 3]
    graph = helper.make_graph(
        nodes,
        "net",
        [helper.make_tensor_value_info("image", dtype, shape)],
        [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in given],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()],
    )
    model = helper.make_model(
        onnx.shape_inference.infer_shapes(
            helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
        ).graph,
        opset_imports=[helper.make_opsetid("", 18)],
        ir_version=10,
    )
    helper.set_model_props(model, dict(metadata or {}))
    path.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, path)
    return path


@pytest.fixture
def score(run: Run) -> Callable[..., dict[str, Any]]:
    """The record of `depthbench eval`."""

    def scored(*arguments: object) -> dict[str, Any]:
        code, out, err = run("eval", *arguments, *SCORED)
        assert code == 0, err
        return json.loads(out)

    return scored


@pytest.fixture
def refused(run: Run) -> Callable[..., str]:
    """The one line of a command that ends with exit code 2."""

    def line_of(*arguments: object) -> str:
        code, out, err = run(*arguments)
        assert (code, out) == (2, ""), err
        (line,) = [line for line in err.splitlines() if line.startswith("depthbench: ")]
        assert "Traceback" not in err
        return line

    return line_of


FORMS: dict[str, tuple[dict[str, Any], tuple[object, ...]]] = {
    "normalised": ({"gain": STD, "offset": MEAN}, IMAGENET),
    "blue first": ({"bgr": True}, ("--bgr",)),
    "channels last": ({"layout": "NHWC"}, ()),
    "bytes": ({"dtype": TensorProto.UINT8, "gain": 1 / 255}, ()),
    "bytes, channels last": ({"dtype": TensorProto.UINT8, "gain": 1 / 255, "layout": "NHWC"}, ()),
    "half": ({"dtype": TensorProto.FLOAT16}, ()),
    "1xHxW": ({"axes": (1,)}, ()),
    "HxW": ({"axes": (0, 1)}, ()),
    "several outputs": ({"given": ("mean", "disparity", "depth")}, ("--output", "depth")),
    "open axes": ({"edges": ("height", "width")}, ("--size", *EDGES)),
    "open batch of shapes": (
        {"edges": ("height", "width")},
        ("--input-shape", "image=1x3x32x48"),
    ),
}


@pytest.mark.parametrize("form", FORMS)
def test_a_network_scores_the_same_in_every_form(
    score: Callable[..., dict[str, Any]], tmp_path: Path, form: str
) -> None:
    plain = score(make(tmp_path / "plain.onnx"), "--meaning", "metres")
    made, options = FORMS[form]
    other = score(make(tmp_path / "other.onnx", **made), *options, "--meaning", "metres")
    for metric in ("rmse", "rel", "delta1"):
        assert other[metric] == pytest.approx(plain[metric], rel=2e-3 if form == "half" else 1e-5)
    assert other["input_size"] == list(EDGES)
    assert other["protocol"] == "eigen"


@pytest.mark.parametrize(
    ("levels", "made", "options"),
    [
        ((-1, 1), {}, ()),
        # The copy of fixed shape keeps the card.
        ((0, 255), {"edges": ("height", "width")}, ("--input-shape", "image=1x3x32x48")),
    ],
)
def test_a_card_says_the_range(
    score: Callable[..., dict[str, Any]],
    tmp_path: Path,
    levels: tuple[int, int],
    made: dict[str, Any],
    options: tuple[object, ...],
) -> None:
    plain = score(make(tmp_path / "plain.onnx"))
    gain = 1 / (levels[1] - levels[0])
    other = make(tmp_path / "other.onnx", gain=gain, offset=-levels[0] * gain, **made)
    Path(f"{other}.json").write_text(json.dumps({"range": levels, "meaning": "metres"}))
    assert score(other, *options)["rmse"] == pytest.approx(plain["rmse"], rel=1e-5)


def test_an_open_model_that_takes_one_size_says_so(
    refused: Callable[..., str], make_depth_model: Callable[..., Path], tmp_path: Path
) -> None:
    model = onnx.load(make_depth_model("height", "width", convolutions=3))
    model.graph.node.append(helper.make_node("Add", ["depth", "grid"], ["placed"]))
    model.graph.output[0].name = "placed"
    grid = numpy_helper.from_array(np.zeros((1, 1, *EDGES), np.float32), "grid")
    model.graph.initializer.append(grid)
    onnx.save(model, tmp_path / "one.onnx")
    for command in ("eval", "quantise"):
        line = refused(command, "one.onnx", "--data", "rooms", "--card", "midas-small")
        assert "--size" in line


def test_what_is_guessed_is_told_once(
    score: Callable[..., dict[str, Any]], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    score(make(tmp_path / "net.onnx", edges=("height", "width")), "--size", *EDGES)
    (line,) = caplog.messages
    assert "RGB in [0, 1]; output 'depth' is depth in metres" in line


def test_a_constant_output_is_told(
    score: Callable[..., dict[str, Any]], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    flat = make(tmp_path / "flat.onnx", gain=0.0)
    Path(f"{flat}.json").write_text('{"range": [0, 1], "meaning": "relative"}')
    score(flat)
    (line,) = caplog.messages
    assert "in 1 of 1 image" in line
    assert "constant" in line


def test_a_disparity_scores_aligned_as_its_depth_does(
    score: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    model = make(tmp_path / "net.onnx", given=("depth", "disparity", "half"))
    depth = score(model, "--output", "depth", "--meaning", "metres", "--protocol", "aligned")
    disparity = score(model, "--output", "disparity", "--meaning", "disparity")
    half = score(model, "--output", "half", "--meaning", "disparity")
    assert disparity["protocol"] == half["protocol"] == "aligned"
    for metric in ("rmse", "rel", "delta1"):
        assert disparity[metric] == pytest.approx(depth[metric], rel=1e-4)
    assert half["rmse"] == pytest.approx(depth["rmse"], rel=0.1)
    assert half["rmse"] != disparity["rmse"]


def test_inverse_metres_are_metric(score: Callable[..., dict[str, Any]], tmp_path: Path) -> None:
    plain = score(make(tmp_path / "plain.onnx", edges=(480, 640)))
    model = make(tmp_path / "net.onnx", edges=(480, 640), given=("disparity",))
    Path(f"{model}.json").write_text(
        json.dumps({"meaning": "inverse-metres", "scale": 1 / 3, "shift": -0.5 / 3})
    )
    other = score(model)
    assert other["protocol"] == "eigen"
    # The network's answer to an image is the mirrored one of its answer to the mirrored image.
    assert other["rmse"] == pytest.approx(plain["rmse"], rel=1e-4)


def test_what_is_known_up_to_scale_is_not_scored_in_metres(
    refused: Callable[..., str], tmp_path: Path
) -> None:
    model = make(tmp_path / "net.onnx", given=("disparity",))
    line = refused("eval", model, "--meaning", "disparity", "--protocol", "eigen", *SCORED)
    assert "--protocol aligned" in line


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (("--card", "card.json"), "it is no JSON"),
        (("--card", "dtp"), "did you mean 'dpt'"),
        (("--card", "missing.json"), "no such file or preset"),
        (("--mean", 0.5, 0.5), "--mean"),
        (("--std", 0, 1, 1), "'std' should be greater than 0"),
        (("--mean", 123.7, 116.3, 103.5), "--range 0 255"),
        (("--mean", "nan", 0, 0), "'mean' should be a finite number"),
        (("--output", "dept"), "did you mean 'depth'"),
        (("--output", "mean"), "not a depth map"),
        (("--meaning", "metre"), "did you mean 'metres'"),
        (("--size", 64, 64), "size 64x64"),
        (("--size", 0, 64), "--size"),
        (("--card", "depth-anything-v2"), "no multiple of 14"),
        (("--data", "folder"), "not a layout"),
    ],
)
def test_bad_cards_and_options_are_one_line(
    refused: Callable[..., str], tmp_path: Path, options: tuple[object, ...], says: str
) -> None:
    model = make(tmp_path / "net.onnx", given=("depth", "mean"))
    (tmp_path / "card.json").write_text("mean: 0.5")
    (tmp_path / "folder").mkdir()
    assert says in refused("eval", model, "--limit", "1", "--data", "rooms", *options)


def test_a_size_must_be_a_multiple(refused: Callable[..., str], tmp_path: Path) -> None:
    model = make(tmp_path / "net.onnx", edges=("height", "width"))
    for command in ("eval", "compile", "quantise", "compare"):
        line = refused(command, model, "--card", "depth-anything-v2", "--size", 250, 252)
        assert "250x252 is no multiple of 14" in line


def test_open_axes_take_the_presets_size_image_by_image(
    score: Callable[..., dict[str, Any]], tmp_path: Path
) -> None:
    model = make(tmp_path / "net.onnx", edges=("height", "width"), gain=STD, offset=MEAN)
    record = score(model, "--card", "depth-anything-v2", "--meaning", "metres")
    assert record["input_size"] == [518, 686]
    assert record["card"]["interpolation"] == "bicubic"


def test_the_front_door_predicts_by_the_card(tmp_path: Path) -> None:
    image = open_dataset("rooms")[0].image
    plain = depthbench.predict(image, make(tmp_path / "plain.onnx"))
    other = make(tmp_path / "other.onnx", gain=STD, offset=MEAN, given=("disparity", "depth"))
    card: dict[str, Any] = {"mean": MEAN.tolist(), "std": STD.tolist(), "output": "depth"}
    found = depthbench.predict(image, other, flip=True, card={**card, "meaning": "metres"})
    np.testing.assert_allclose(found, plain, rtol=1e-4)
    disparity = depthbench.predict(image, other, card={**card, "output": "disparity"})
    assert disparity.shape == image.shape[:2]
    record = depthbench.evaluate(
        other,
        "rooms",
        limit=1,
        card={**card, "output": "disparity", "meaning": "disparity"},
        records=tmp_path / "records.jsonl",
    )
    assert record["protocol"] == "aligned"


def test_an_artefact_keeps_the_card_and_is_scored_by_it(run: Run, tmp_path: Path) -> None:
    made = {"gain": STD, "offset": MEAN, "given": ("disparity",), "edges": ("height", "width")}
    model = make(tmp_path / "net.onnx", **made)  # type: ignore[arg-type]
    options = (*IMAGENET, "--size", *EDGES, "--meaning", "disparity")
    code, out, err = run("compile", model, "--target", "host", *options, "--json")
    assert code == 0, err
    kept = json.loads(out)["card"]
    assert kept["mean"] == MEAN.tolist()
    artefact = load_artefact(Path(json.loads(out)["folder"]))
    asked = accuracy_of(artefact, model, open_dataset("rooms", "test", 1))
    assert asked.protocol.name == "aligned"
    assert asked.depth_model.fixed_size == EDGES
    image = asked.dataset[0].image
    plain = make(tmp_path / "plain.onnx")
    levels = describe_model(load_model(plain)).to_input(image)
    expected = (levels - MEAN.reshape(3, 1, 1)) / STD.reshape(3, 1, 1)
    np.testing.assert_allclose(asked.depth_model.to_input(image), expected, rtol=1e-4, atol=1e-5)


def test_another_card_is_no_other_code(run: Run, tmp_path: Path) -> None:
    model = make(tmp_path / "net.onnx")
    made = []
    for meaning in ("metres", "relative"):
        code, out, err = run("compile", model, "--target", "host", "--meaning", meaning, "--json")
        assert code == 0, err
        made.append(json.loads(out))
    assert [one["reused"] for one in made] == [False, True]
    artefact = load_artefact(Path(made[1]["folder"]))
    assert artefact.manifest["card"] == {"meaning": "relative"}
    assert {**artefact.manifest, "card": None} == {
        **{name: value for name, value in made[0].items() if name in artefact.manifest},
        "card": None,
    }


def test_quantised_files_keep_the_card_and_are_calibrated_by_it(
    score: Callable[..., dict[str, Any]],
    run: Run,
    make_depth_model: Callable[..., Path],
    tmp_path: Path,
) -> None:
    model = make_depth_model(*EDGES, convolutions=3)
    Path(f"{model}.json").write_text(json.dumps({"range": [0, 255], "meaning": "relative"}))
    code, out, err = run("quantise", model, "--data", "rooms", "--images", "2", "--json")
    assert code == 0, err
    made = Path(json.loads(out)["file"])
    graph = onnx.load(made)
    scales = {one.name: numpy_helper.to_array(one) for one in graph.graph.initializer}
    (scale,) = [
        float(scales[name]) for name in scales if name.startswith("same0") and "scale" in name
    ]
    # The range of the tensor is that of levels 0 to 255, not 0 to 1.
    assert 0.3 < scale <= 1
    assert score(made)["protocol"] == "aligned"
    # Another card is another calibration.
    Path(f"{model}.json").write_text(json.dumps({"range": [0, 1], "meaning": "relative"}))
    before = made.read_bytes()
    assert run("quantise", model, "--data", "rooms", "--images", "2")[0] == 0
    assert made.read_bytes() != before


def test_runtimes_are_compared_on_an_image_in_the_cards_form(run: Run, tmp_path: Path) -> None:
    for name, (made, options) in FORMS.items():
        if name not in ("bytes, channels last", "normalised", "open axes"):
            continue
        model = make(tmp_path / f"{name.split()[0]}.onnx", **made)
        code, out, err = run(
            *("compare", model, "--runtimes", "onnxruntime", "--rounds", "3", "--json"), *options
        )
        assert code == 0, err
        assert "onnxruntime" in json.loads(out)["runtimes"]
