"""Is one's own model still as its baseline says: what it gives, what it costs, how fast it is?

A baseline of one model also holds how that is used: its card, protocol and data.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.compile_service import default_precision
from bench.gates.baseline import WRITE
from bench.gates.figure import GATES
from bench.gates.graph_difference import first_difference, print_graph
from bench.gates.latency_gate import Verdict
from bench.gates.model_accuracy import check_asked, check_images, describe_as, score, written_for
from bench.gates.model_baseline import (
    AccuracyPart,
    InstructionsPart,
    ModelBaseline,
    read_model_baseline,
)
from bench.gates.model_latency import judge_runs, runs_of
from bench.model_card import Asked, describe_model, open_model
from bench.models import Model, as_path
from bench.records.provenance import tool_versions
from depthbench.emulator import find_emulator
from depthbench.errors import CheckFailed, DepthbenchError, InputError, ToolMissing
from depthbench.progress import Progress

if TYPE_CHECKING:
    from bench.records.record import Record
    from depthnet.card.depth_model import DepthModel


@dataclass(frozen=True)
class Question:
    """What is to be checked: a model as `asked`, on a data set, under a protocol.

    What is None is the baseline's to say; without one, all images under the default protocol, and
    instructions in the model's own precision.
    Without `gates` all are, or all that the baseline is for. `records` are files of latencies.
    """

    model: str
    asked: Asked
    data: str | None = None
    split: str | None = None
    limit: int | None = None
    protocol: str | None = None
    precision: str | None = None
    gates: tuple[str, ...] = ()
    records: Sequence[Path] = ()


@dataclass(frozen=True)
class Compared:
    """A baseline, what its model gives now, and the verdicts on its latencies.

    `about` is when and why the baseline was written, `failure` why nothing could be counted.
    """

    about: Mapping[str, Any]
    before: ModelBaseline
    now: ModelBaseline
    verdicts: Sequence[Verdict]
    model: Model
    failure: DepthbenchError | None = None

    def where(self, moved: Sequence[str] = ()) -> str:
        """Where the model's file first differs from the baseline's, in words.

        Of weights only those that `moved` beyond what is allowed, if there are any.
        """
        return _where(self.about, self.before, self.model, moved)


def take(question: Question, out: Path, progress: Progress) -> ModelBaseline:
    """What the model gives now, for a new baseline.

    Raises as `score_images` and `count_network` do, and ToolMissing without the emulator, where
    instructions are asked for.
    """
    gates = question.gates or GATES
    history = _ready(question, gates)
    model = open_model(question.model, out, question.asked, progress=progress)
    now = _empty(model)
    if "accuracy" in gates:
        depth_model = describe_model(model, question.asked)
        now.accuracy = _score(question, model, depth_model, progress)
    if "instructions" in gates:
        precision = question.precision or default_precision(model)
        now.instructions = _count(model, precision, question.asked, out, progress)
    if "latency" in gates:
        now.latency = runs_of(history, model)
    return now


def compare_with(path: Path, question: Question, out: Path, progress: Progress) -> Compared:
    """What the model gives now, used as the baseline at `path` says, beside that.

    Raises InputError, in one line, for a baseline of another model, card, protocol or data, or
    that is not for a gate that is asked for, and what `take` raises, but for instructions that
    cannot be counted: the other gates are judged nevertheless.
    """
    about, before = read_model_baseline(path)
    gates = question.gates or before.gates
    if missing := [gate for gate in gates if gate not in before.gates]:
        raise InputError(f"{path} holds no {missing[0]} of {before.model}", advice=WRITE)
    history = _ready(question, gates)
    model = open_model(question.model, out, question.asked, progress=progress)
    now, verdicts, failure = _empty(model), [], None
    if before.model != model.name and not before.graph.computes_as(now.graph):
        raise written_for(path, "model", before.model, model.name)
    if before.instructions and question.precision not in (None, before.instructions.precision):
        then = before.instructions.precision
        raise written_for(path, "precision", then, question.precision)
    if before.accuracy and "accuracy" in gates:
        part = before.accuracy
        use = {"split": question.split, "images": question.limit, "protocol": question.protocol}
        depth_model = describe_as(path, part, model, question.asked)
        check_asked(path, part, use)
        as_then = replace(question, split=part.split, limit=part.images, protocol=part.protocol)
        try:
            now.accuracy = _score(as_then, model, depth_model, progress)
        except CheckFailed as error:
            raise CheckFailed(error.message, advice=_where(about, before, model)) from error
        check_images(path, part, now.accuracy, str(question.data))
    if before.instructions and "instructions" in gates:
        try:
            fixed = _fixed(model, before.instructions, out)
            asked = question.asked
            if before.accuracy:
                asked = replace(asked, card=before.accuracy.card)
            precision = before.instructions.precision
            now.instructions = _count(fixed, precision, asked, out, progress)
        except DepthbenchError as error:
            failure = error
    if before.latency is not None and "latency" in gates:
        now.latency = runs_of(history, model)
        verdicts = judge_runs(before.latency, history, model, before.model)
    return Compared(about, before, now, verdicts, model, failure)


def _ready(question: Question, gates: Sequence[str]) -> list[Record]:
    """The records of latencies; raises, before anything runs, for what a gate needs and is not."""
    from bench.records.record import read_records

    if "accuracy" in gates and question.data is None:
        raise InputError(
            f"{question.model} is scored on images",
            advice="give --data FOLDER --against BASELINE.json, or leave accuracy out: "
            "--gate instructions",
        )
    if "instructions" in gates:
        try:
            find_emulator()
        except ToolMissing as error:
            raise _left_out(error) from error
    return read_records(*question.records) if "latency" in gates else []


def _left_out(error: ToolMissing) -> ToolMissing:
    others = "--gate accuracy --gate latency"
    return ToolMissing(error.message, advice=f"{error.advice}, or leave the gate out: {others}")


def _where(
    about: Mapping[str, Any], before: ModelBaseline, model: Model, moved: Sequence[str] = ()
) -> str:
    from compile.onnx import model_file

    found = first_difference(before.graph, model_file.read(model.path).proto, moved)
    if found:
        return f"{model.file} first differs in {found}"
    runtime = "onnxruntime"
    was, now = (about["tools"] or {}).get(runtime), tool_versions().get(runtime)
    ran = f"ran on {runtime} {was}, now {now}" if was != now else "look at images and machine"
    return f"nodes and weights of {model.file} are as they were: {ran}"


def _empty(model: Model) -> ModelBaseline:
    from compile.onnx import model_file

    graph = print_graph(model_file.read(model.path).proto)
    return ModelBaseline(model=model.name, graph=graph)


def _score(
    question: Question, model: Model, depth_model: DepthModel, progress: Progress
) -> AccuracyPart:
    return score(
        model,
        depth_model,
        str(question.data),
        question.split,
        question.limit,
        question.protocol,
        progress,
    )


def _fixed(model: Model, part: InstructionsPart, out: Path) -> Model:
    """The model with the shapes, of inputs that it leaves open, that were counted with."""
    left_open = {port.name for port in model.inputs if 0 in port.shape}
    shapes = {name: shape for name, shape in part.inputs.items() if name in left_open}
    return open_model(as_path(model.file), out, Asked(shapes=shapes)) if shapes else model


def _count(
    model: Model, precision: str, asked: Asked, out: Path, progress: Progress
) -> InstructionsPart:
    from bench.gates.instruction_gate import count_network

    try:
        counted = count_network(model, precision, out / "check", progress, asked)
    except ToolMissing as error:
        raise _left_out(error) from error
    inputs = {name: list(shape) for name, shape in counted["inputs"].items()}
    known = {name: value for name, value in counted.items() if name != "network"}
    return InstructionsPart.model_validate({**known, "inputs": inputs, "precision": precision})
