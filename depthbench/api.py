"""The functions of the front door: what the commands of the same names do, for programs.

A model is named as on the command line, by a network of the zoo or an ONNX file, or is what
`export` returned. Files go to the folder `out`, and steps that are up to date are not repeated.
Everything heavy is imported where it is used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from depthbench.errors import InputError
from depthbench.progress import Progress

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import NDArray

    from bench.models import Model
    from bench.prediction.predictor import Predictor
    from bench.records.record import Record
    from compile.artefact import Artefact

Card = str | Path | Mapping[str, Any] | None
"""How a model is used: a preset's name, a .json file, or its fields."""

FLAGSHIP = "mobiledepth"
OUT = Path("out")
RECORDS = "records.jsonl"


def _quiet(line: str) -> None:
    """Say nothing of what is going on."""


def networks() -> pd.DataFrame:
    """The networks of the zoo, one a row, as `depthbench models` lists them.

    The index is the network's name; weights are in millions, MACs in G (10^9) for one image.
    """
    import pandas as pd

    from bench.paper.networks import describe_networks

    return pd.DataFrame(describe_networks()).set_index("name")


def export(
    name: str = FLAGSHIP,
    path: str | Path | None = None,
    *,
    size: tuple[int, int] | None = None,
    progress: Progress = _quiet,
) -> Model:
    """Export the network called `name` to one ONNX file, as `depthbench export` does.

    The file takes `image`, 1x3xHxW float32 RGB in [0, 1], and gives `depth`, 1x1xHxW float32 in
    metres. `path` is by default `out/NAME.onnx`; `size` is height and width, multiples of 32, by
    default the network's own. Raises InputError for an unknown name or a size that the network
    cannot take.
    """
    from bench.models import export_network

    return export_network(name, Path(path or OUT / f"{name}.onnx"), size=size, progress=progress)


def compile(
    model: str | Path | Model = FLAGSHIP,
    target: str = "arm64-a76",
    *,
    output: str | Path | None = None,
    precision: str | None = None,
    threads: int = 1,
    input_shapes: Mapping[str, Sequence[int]] | None = None,
    card: Card = None,
    size: tuple[int, int] | None = None,
    tuned: str | Path | None = None,
    untuned: bool = False,
    out: str | Path = OUT,
    progress: Progress = _quiet,
) -> Artefact:
    """Compile a model for `arm64-a76` or `host` with Apache TVM, as `depthbench compile` does.

    `precision` is fp32, fp16 or int8, by default the model's own; `threads` is how many cores
    one inference may use. `input_shapes` gives the shapes that the model leaves open, `size` the
    height and width of the image. `card`, which the manifest keeps, is how the model is used: a
    preset's name, a .json file or its fields. Schedules
    prefer the tuned choices of the file `tuned`, by default what `depthbench tune` last wrote,
    and take none if `untuned`. The artefact folder is `output`, by default `out/MODEL-TARGET`.
    Its outputs are checked against ONNX Runtime's. Raises InputError for a model, target or
    precision that cannot be compiled, CheckFailed when the outputs disagree.
    """
    from bench.compile_service import compile_for
    from bench.model_card import Asked

    return compile_for(
        _spelled(model),
        target,
        Path(out),
        output=Path(output) if output else None,
        precision=precision,
        threads=threads,
        asked=Asked(card, shapes=input_shapes or {}, size=size),
        tuned=Path(tuned) if tuned else None,
        untuned=untuned,
        progress=progress,
    )


def open_predictor(
    model: str | Path | Model | Artefact = FLAGSHIP,
    *,
    card: Card = None,
    size: tuple[int, int] | None = None,
    runtime: str | None = None,
    device: str | None = None,
    threads: int = 1,
    out: str | Path = OUT,
    progress: Progress = _quiet,
) -> Predictor:
    """Open a model once, to predict many images: a context manager that closes it.

    `model` may also be an artefact, or its folder. It runs here on `runtime`, by default
    onnxruntime, what is compiled for `host` on tvm; or on `device`, as `--device` takes it, for
    which it is compiled first. `card` and `size` are as for `predict`, which takes what is opened
    here as its model. Raises InputError, ToolMissing or DeviceError.
    """
    from bench.model_card import Asked
    from bench.prediction import predictor

    return predictor.open_predictor(
        _spelled(model),
        Path(out),
        Asked(card, size=size),
        runtime=runtime,
        device=device,
        threads=threads,
        progress=progress,
    )


def predict(
    image: NDArray[Any],
    model: str | Path | Model | Predictor = FLAGSHIP,
    *,
    flip: bool = False,
    card: Card = None,
    size: tuple[int, int] | None = None,
    threads: int = 1,
    out: str | Path = OUT,
) -> NDArray[Any]:
    """Predict the depth of one image on ONNX Runtime, by the code that `depthbench eval` scores.

    `image`: HxWx3 RGB, uint8, or floating point in [0, 1] (rounded to 8 bits, as files are). It
    is brought into the form that the model takes by its file and `card` (a preset's name, a .json
    file or its fields), at `size`, height and width, where the file leaves that open; `flip`
    averages the prediction with that of the mirrored image, as most protocols do. A model of
    `open_predictor` is as it was opened: the other arguments are not for it. Returns HxW
    float32, resized bilinearly to the image's size: metres or, where the model knows no metres,
    what its card says. Raises InputError for an array that is no such image, a card that does not
    fit, or a model that takes no image or gives no depth map, CheckFailed for metres that are not
    positive and finite.
    """
    from bench.prediction.predictor import Predictor

    picture = _as_bytes(image)
    if isinstance(model, Predictor):
        return model.predict(picture, flip=flip)
    with open_predictor(model, card=card, size=size, threads=threads, out=out) as opened:
        return opened.predict(picture, flip=flip)


def calibrate(
    model: str | Path | Model,
    points: str | Path | Sequence[Mapping[str, Any]],
    *,
    fov: float | None = None,
    card: Card = None,
    size: tuple[int, int] | None = None,
    onnx: str | Path | None = None,
    out: str | Path = OUT,
) -> Record:
    """Fit a model's scale and shift to measured distances, as `depthbench calibrate` does.

    `points` is a .csv file, or a mapping a point with its columns: `image`, `x` and `y` (pixels),
    of a box `right` and `bottom`, and `metres` or a known object's `width` or `height` in metres.
    `fov`: horizontal field of view, degrees, by default as EXIF says. Kept in the model's card or
    the ONNX file `onnx`. Returns the record (metres), also kept; raises InputError for bad points.
    """
    from bench.calibration.keep import calibrate_and_keep
    from bench.calibration.points import gather_points
    from bench.model_card import Asked
    from bench.prediction.wanted import Wanted

    return calibrate_and_keep(
        *(_spelled(model), gather_points(points), Path(out), Asked(card, size=size)),
        camera_of=Wanted(field_of_view=fov).camera_of_photo,
        onnx=Path(onnx) if onnx else None,
        records=Path(out) / RECORDS,
    )


def evaluate(
    model: str | Path | Model = FLAGSHIP,
    data: str | None = None,
    *,
    split: str = "test",
    protocol: str | None = None,
    limit: int | None = None,
    card: Card = None,
    size: tuple[int, int] | None = None,
    runtime: str = "onnxruntime",
    threads: int = 1,
    records: str | Path | None = None,
    out: str | Path = OUT,
    progress: Progress = _quiet,
) -> Record:
    """Score a model on a data set under a named protocol, as `depthbench eval` does.

    `data` is `rooms`, `nyu` or the path of a data set, by default `nyu` where it is present;
    `protocol` is by default `eigen`, for what is known up to scale `aligned`; `limit` scores only
    the first images; `card` and `size` are as for `predict`; `runtime` is onnxruntime, pytorch or
    tvm. Returns the
    record (RMSE and MAE in metres, the other metrics are ratios), which is also appended to
    `records`, by default `out/records.jsonl`. Raises InputError for an unknown model, data set,
    protocol or runtime, CheckFailed when a prediction is not positive and finite.
    """
    from bench.accuracy.evaluate import default_data, measure_accuracy
    from bench.model_card import Asked, describe_model, open_model
    from bench.records.record import append_record
    from bench.runtimes.registry import open_runtime
    from depthnet.data import open_dataset
    from depthnet.scoring import protocols

    dataset = open_dataset(data or default_data(), split, limit)
    asked = Asked(card, size=size)
    source = open_model(_spelled(model), Path(out), asked, progress=progress)
    depth_model = describe_model(source, asked)
    rule = protocols.get(protocol or protocols.default_for(depth_model.card.meaning))
    rule.space(depth_model.card.meaning)
    with open_runtime(runtime, source, Path(out), threads=threads) as loaded:
        record = measure_accuracy(source, loaded, dataset, rule, depth_model=depth_model)
    append_record(Path(records or Path(out) / RECORDS), record)
    return record


def measure(
    artefact: str | Path | Artefact | None = None,
    device: str | None = None,
    *,
    model: str | Path | None = None,
    threads: int = 1,
    quick: bool = False,
    profile: bool = False,
    sustained: str | None = None,
    records: str | Path | None = None,
    out: str | Path = OUT,
    progress: Progress = _quiet,
) -> Record:
    """Time an artefact on a device over TVM RPC, as `depthbench rpc-measure` does.

    `artefact` is a folder that `compile` wrote, or a network or ONNX file to compile first; `model`
    is the ONNX file of a folder that no longer lies beside it. `device` is as `--device` takes it,
    such as `adb`, `ssh:USER@HOST` or `emulated`, by default what is used without it. `quick` takes
    few samples and says so in the record; `profile` times every operator too; `sustained`, as
    `10m`, then runs back to back for so long. Outputs are compared with ONNX Runtime's first.
    Returns the record (times in ms; those of an emulated phone are no latency), which is also
    appended to `records`, by default `out/records.jsonl`. Raises
    InputError, ToolMissing or DeviceError.
    """
    from android_rpc.devices.factory import default_device, open_device
    from bench.compile_service import resolve_artefact
    from bench.measure.latency import measure_on_device
    from bench.measure.request import MeasurementRequest
    from bench.records.crash_recovery import adopt_unfinished, unfinished
    from bench.records.record import append_record
    from bench.sustained.duration import parse_duration

    sustained_s = parse_duration(sustained) if sustained else None
    into = Path(records or Path(out) / RECORDS)
    place = open_device(device or default_device()[0], threads, progress)
    folder, source = resolve_artefact(
        None if artefact is None else _spelled(artefact),
        Path(out),
        model=Path(model) if model else None,
        threads=threads,
        progress=progress,
    )
    adopt_unfinished(into)
    with unfinished(into) as so_far:
        return measure_on_device(
            MeasurementRequest(
                folder, source, place, quick=quick, profile=profile, sustained_s=sustained_s
            ),
            progress=progress,
            keep=lambda record: append_record(into, record),
            so_far=so_far,
        )


def compare(
    model: str | Path | Model = FLAGSHIP,
    runtimes: str = "all",
    *,
    device: str | None = None,
    rounds: int | None = None,
    card: Card = None,
    size: tuple[int, int] | None = None,
    threads: int = 1,
    limit: float = 120,
    out: str | Path = OUT,
    progress: Progress = _quiet,
) -> dict[str, Any]:
    """Time one model on several runtimes, here or on a device, as `depthbench compare` does.

    `runtimes` is `all` or names with commas. Each has a process of its own; outputs are checked
    against ONNX Runtime's first, then all take turns for `rounds`, by default 60. On the device
    `emulated` instructions are counted instead. `limit` is how many seconds one inference may take;
    `card` and `size` are as for `predict`. Returns times in ms and ratios of medians by runtime,
    with those that are absent or were lost, and why. Raises InputError for an unknown model,
    runtime or device, CheckFailed when outputs disagree, DeviceError when the device is lost.
    """
    from bench.measure.interleaving import ROUNDS
    from bench.measure.runtime_comparison import compare_runtimes
    from bench.model_card import Asked
    from bench.peers.device_comparison import compare_on_device

    given: dict[str, Any] = {
        "asked": Asked(card, size=size),
        "runtimes": runtimes,
        "threads": threads,
        "limit_s": limit,
        "progress": progress,
    }
    if device is None:
        return compare_runtimes(_spelled(model), Path(out), rounds=rounds or ROUNDS, **given)
    return compare_on_device(_spelled(model), Path(out), device, rounds=rounds, **given)


def read_records(*paths: str | Path) -> pd.DataFrame:
    """The records of files, by default `out/records.jsonl`, as a frame: one a row.

    The index is the record's id; what is nested stands in columns with dots
    (`conditions.host.cpu`), lists of samples stay lists. `time` is in UTC. Raises InputError,
    with file and line, for what is no record.
    """
    from bench.records import record
    from bench.records.frame import as_frame

    return as_frame(record.read_records(*map(Path, paths or (OUT / RECORDS,))))


def report(*paths: str | Path, output: str | Path | None = None) -> dict[str, Any]:
    """Gather the records of files, by default `out/records.jsonl`, as `depthbench report` does.

    Returns the report's document; `output` also writes it, in the form that its ending names:
    .html, .pdf (by a browser), .md, .csv or .json. Raises InputError for another one or no record.
    """
    from bench.records import record
    from bench.report.report import build_report
    from bench.report.write import write_report

    sources = [Path(path) for path in paths or (OUT / RECORDS,)]
    document = build_report(record.read_records(*sources))
    if output:
        write_report(document, Path(output), [source.parent for source in sources])
    return document


def _spelled(what: str | Path | Model | Artefact) -> str:
    """As the command line would name it: a network, or the path of a file or folder."""
    from bench.models import as_path
    from compile.artefact import Artefact

    if isinstance(what, str):
        return what
    own = what.folder if isinstance(what, Artefact) else what
    return as_path(own if isinstance(own, Path) else own.path)


def _as_bytes(image: NDArray[Any]) -> NDArray[Any]:
    """An image as HxWx3 uint8; raises InputError when it is none."""
    import numpy as np

    array = np.asarray(image)
    if array.ndim != 3 or array.shape[2] != 3 or 0 in array.shape:
        shape = "x".join(map(str, array.shape)) or "a scalar"
        raise InputError(f"an image of shape {shape}", advice="give HxWx3, RGB")
    if array.dtype == np.uint8:
        return array
    if not np.issubdtype(array.dtype, np.floating):
        raise InputError(f"an image of {array.dtype}", advice="give uint8, or floats in [0, 1]")
    if not (np.isfinite(array).all() and array.min() >= 0 and array.max() <= 1):
        raise InputError(
            "an image of floating point with values outside [0, 1]",
            advice="divide by 255, or give uint8",
        )
    return np.rint(array * 255).astype(np.uint8)
