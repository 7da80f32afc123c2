"""A network with fewer channels, from its name or file to weights, ONNX file and records."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

from bench.accuracy.evaluate import measure_accuracy
from bench.cost.model_cost import measure_cost
from bench.models import Model, load_model
from bench.pruning.chart_plan import write_plan
from bench.pruning.counted_network import count_network
from bench.pruning.fine_tuning import (
    Lessons,
    brief_recipe,
    final_recipe,
    fine_tune,
    held_out_scores,
)
from bench.pruning.held_out import unseen
from bench.pruning.pruning_record import describe_search
from bench.pruning.pruning_request import Request
from bench.pruning.search import Search
from bench.pruning.search_state import open_state
from bench.pruning.widths import lanes_of
from bench.records.record import Record, append_record, new_record
from bench.runtimes.onnxruntime_cpu import OnnxRuntimeCpu
from depthbench.errors import InputError
from depthbench.progress import Progress
from depthnet.data import DepthDataset, open_dataset
from depthnet.export.onnx_export import export
from depthnet.network import DepthNetwork, EncoderDecoder
from depthnet.scoring import protocols
from depthnet.training.batches.data_split import TrainingData, gather, open_source
from depthnet.training.objectives.teacher import load_teacher
from depthnet.training.progress import Moment
from depthnet.training.run import describe
from depthnet.weights.formats import file_sha256, save_weights
from depthnet.weights.origin import Weights
from depthnet.weights.pretrained import open_network, origin_of

PROTOCOL = "eigen"


def prune(
    request: Request,
    folder: Path,
    records: Path | None = None,
    *,
    status: Progress = lambda line: None,
    progress: Callable[[Moment], None] = lambda moment: None,
) -> Record:
    """Search, train, score and count; the same call goes on after an interruption.

    `folder` receives the weights file of every step, and at the end `NAME-SHARE.safetensors` with
    its record and `NAME-SHARE.onnx`, SHARE being the percentage of the cycles that is left.
    `records` (`folder`/records.jsonl) receives records of kind `pruning`, which is returned,
    `accuracy` (of the test split) and `cost`. Raises InputError for a model, data or budget that
    cannot be, and for a folder of another search; else what training and counting do.
    """
    file = request.weights()
    open_source(request.data)  # what is misspelt, or has no test split, is said at once
    open_test_split(request.data)
    status(f"reading {file}")
    network, before = open_network(file)
    teachers = [load_teacher(path) for path in _teachers(request, network, file)]
    origin = Weights(file.stem, file_sha256(file))
    lessons = Lessons(_data(request, network, status), teachers, origin, request.seed)
    state = open_state(folder, _identity(request, network, lessons))
    search = Search(
        network,
        lessons,
        request.pace,
        lanes_of(request.precision),
        partial(count_network, precision=request.precision, progress=status),
        lambda path: open_network(path)[0],
        before,
        state,
        folder,
        status=status,
        progress=progress,
    )
    search.begin()
    search.run(request.budget.of(state.start["cycles"]))
    name = f"{network.entry.name}-{search.share(len(state.steps))}"
    status(f"training {name}")
    trainer = fine_tune(
        *(search.network(), final_recipe(request.epochs), lessons, folder / "final", progress)
    )
    result = trainer.end()
    found = describe_search(state, held_out_scores(trainer))
    training = describe(trainer) | {"before": before, "pruning": found}
    weights = folder / f"{name}.safetensors"
    saved = save_weights(result, weights, training)
    status(f"exporting {name}")
    onnx = folder / f"{name}.onnx"
    export(open_network(weights)[0], origin_of(weights, saved), onnx)
    record = _record(request, load_model(onnx), weights, network, before, lessons, found)
    accuracy = score(onnx, request.data, status)
    cost = measure_cost(str(onnx), folder, precision=request.precision, progress=status)
    write_plan(search, request.what, file, onnx, request.data.partition("@")[0])
    for one in (record, accuracy, cost):
        append_record(records or folder / "records.jsonl", one)
    return record


def score(onnx: Path, data: str, status: Progress = lambda line: None) -> Record:
    """The accuracy of an ONNX file on the test split, by ONNX Runtime."""
    status(f"scoring {onnx}")
    model = load_model(onnx)
    with OnnxRuntimeCpu(onnx) as runtime:
        return measure_accuracy(model, runtime, open_test_split(data), protocols.get(PROTOCOL))


def open_test_split(data: str) -> DepthDataset:
    """The whole test split of training data `SPEC` or `SPEC@COUNT`."""
    return open_dataset(data.partition("@")[0], "test")


def _data(request: Request, network: DepthNetwork, status: Progress) -> TrainingData:
    recipe, size = brief_recipe(), network.entry.input_size
    data = gather(
        [request.data],
        sample_size=recipe.sample_size or size,
        input_size=size,
        held_out=request.held_out,
        neighbours=request.neighbours,
        progress=status,
    )
    if data.held_out is None:
        raise InputError("nothing is held out to choose by", advice="give --held-out a share")
    return data


def _teachers(request: Request, network: DepthNetwork, file: Path) -> list[Path]:
    if request.teachers:
        return list(request.teachers)
    # What has no encoder of its own cannot be taught.
    return [file] if isinstance(network, EncoderDecoder) else []


def _record(
    request: Request,
    model: Model,
    weights: Path,
    network: DepthNetwork,
    before: Mapping[str, Any],
    lessons: Lessons,
    found: Mapping[str, Any],
) -> Record:
    source = lessons.data.description[0]
    fields = {
        "model": model.name,
        "model_sha256": model.sha256,
        "model_file": str(model.path),
        "weights_file": str(weights),
        "command": request.command(),
        "network": network.entry.name,
        "data": source["data"],
        "held_out_pairs": source["held_out"],
        "held_out_rule": "neighbours" if request.neighbours else "scenes",
        "held_out_unseen": unseen(before, source),
        "teachers": [teacher.name for teacher in lessons.teachers],
        "pace": request.pace.to_dict(),
        "epochs": request.epochs,
        "seed": request.seed,
        "conditions": {"precision": request.precision},
        **found,
    }
    return new_record("pruning", fields)


def _identity(request: Request, network: DepthNetwork, lessons: Lessons) -> dict[str, Any]:
    return {
        "network": network.entry.name,
        "weights": lessons.origin.sha256,
        "budget": {"cycles": request.budget.cycles, "share": request.budget.share},
        "precision": request.precision,
        "pace": request.pace.to_dict(),
        "data": {str(k): source for k, source in enumerate(lessons.data.description)},
        "teachers": [teacher.name for teacher in lessons.teachers],
        "seed": request.seed,
    }
