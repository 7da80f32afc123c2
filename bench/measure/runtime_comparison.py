"""One model on several runtimes by name: each opened in a process of its own, then compared."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.measure import comparison
from bench.measure.agreement import SEED, seeded_inputs
from bench.measure.comparison import REFERENCE
from bench.measure.interleaving import ROUNDS
from bench.model_card import NOTHING, Asked, describe_model, open_model, said_of
from bench.models import Model
from bench.records.provenance import git_state, tool_versions
from bench.runtimes.base import Runtime
from bench.runtimes.cache_line import on_a_cache_line
from bench.runtimes.process_runtime import ANSWER_S
from bench.runtimes.registry import choose, prepare
from bench.runtimes.subprocess_runtime import SubprocessRuntime
from depthbench import cancellation
from depthbench.errors import DepthbenchError, RuntimeLost, ToolMissing
from depthbench.progress import Progress


def compare_runtimes(
    what: str,
    out: Path,
    *,
    asked: Asked = NOTHING,
    runtimes: str = "all",
    rounds: int = ROUNDS,
    threads: int = 1,
    limit_s: float = ANSWER_S,
    strict: bool = True,
    progress: Progress = lambda line: None,
) -> dict[str, Any]:
    """Compare the runtimes that `runtimes` names on the model `what`, as `comparison.compare` does.

    `asked` is what is said of its shapes and card, which an image of noise takes the form of.
    The document also says which runtimes are `absent` (not installed or, of `all` or unless
    `strict`, not able to run the model on these inputs) and which were `lost`, each with the
    reason, and what was compared. Raises InputError for an unknown model or runtime, or a card
    that does not fit, what preparing or running a runtime raises where it was named or is the
    reference, ONNX Runtime, and RuntimeLost when the reference is lost.
    """
    names = list(dict.fromkeys([REFERENCE, *choose(runtimes)]))
    resolved = open_model(what, out, asked, progress=progress)
    inputs = input_image(resolved, asked)
    absent: dict[str, str] = {}
    lost: dict[str, str] = {}
    opened: dict[str, Runtime] = {}
    with ExitStack() as stack:
        for name in names:
            cancellation.check()
            progress(f"loading {resolved.name} into {name}")
            try:
                prepared = prepare(name, resolved, out, threads=threads, progress=progress)
                runtime = stack.enter_context(SubprocessRuntime(prepared, answer_s=limit_s))
                runtime.run(inputs)  # it may refuse them
            except RuntimeLost as error:
                if name == REFERENCE:
                    raise
                lost[name] = str(error)
            except DepthbenchError as error:
                may_lack = runtimes == "all" or not strict or isinstance(error, ToolMissing)
                if name == REFERENCE or not may_lack:
                    raise
                absent[name] = reason_of(error, resolved)
            else:
                opened[name] = runtime
        precision, tolerance = comparison.precision_of(resolved)
        found = comparison.compare(
            opened,
            inputs,
            rounds=rounds,
            threads=threads,
            tolerance=tolerance,
            progress=progress,
        )
    return {
        **found,
        "precision": precision,
        "lost": {**lost, **found["lost"]},
        **compared(resolved),
        "absent": absent,
        "git": git_state(),
        "tools": tool_versions(),
    }


def reason_of(error: DepthbenchError, model: Model) -> str:
    """Why a runtime is absent: without advice, and the model by its name."""
    reason = error.message
    for path in (model.path.absolute(), model.path, model.file):
        reason = reason.replace(str(path), model.name)
    return reason


def input_image(model: Model, asked: Asked) -> dict[str, NDArray]:
    """An image of noise in the form that the model's card says; without one as for artefacts."""
    model_inputs = model.fixed_inputs
    if not said_of(model, asked):
        return seeded_inputs(model_inputs)
    depth_model = describe_model(model, asked, only_input=True)
    size = depth_model.input_size((0, 0))
    noise = np.random.default_rng(SEED).integers(0, 256, (*size, 3), dtype=np.uint8)
    return {depth_model.input.name: on_a_cache_line(depth_model.to_input(noise))}


def compared(model: Model) -> dict[str, Any]:
    """Which model was compared."""
    return {
        "model": model.name,
        "sha256": model.sha256,
        "weights": model.metadata.get("weights", ""),
    }
