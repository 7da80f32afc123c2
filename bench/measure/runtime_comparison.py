"""One model on several runtimes by name: each opened in a process of its own, then compared."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from bench.measure import comparison
from bench.measure.agreement import seeded_inputs
from bench.measure.comparison import REFERENCE
from bench.measure.interleaving import ROUNDS
from bench.models import Model, resolve_model
from bench.records.provenance import git_state, tool_versions
from bench.runtimes.base import Runtime
from bench.runtimes.registry import choose, prepare
from bench.runtimes.subprocess_runtime import ANSWER_S, SubprocessRuntime
from depthbench import cancellation
from depthbench.errors import DepthbenchError, RuntimeLost, ToolMissing
from depthbench.progress import Progress


def compare_runtimes(
    what: str,
    out: Path,
    *,
    runtimes: str = "all",
    rounds: int = ROUNDS,
    threads: int = 1,
    limit_s: float = ANSWER_S,
    progress: Progress = lambda line: None,
) -> dict[str, Any]:
    """Compare the runtimes that `runtimes` names on the model `what`, as `comparison.compare` does.

    The document also says which runtimes are `absent` (not installed or, of `all`, not able to
    run the model) and which were `lost`, each with the reason, and what was compared. Raises
    InputError for an unknown model or runtime, what preparing a runtime raises where it was
    named or is the reference, ONNX Runtime, and RuntimeLost when the reference is lost.
    """
    names = list(dict.fromkeys([REFERENCE, *choose(runtimes)]))
    resolved = resolve_model(what, out, progress=progress)
    absent: dict[str, str] = {}
    lost: dict[str, str] = {}
    opened: dict[str, Runtime] = {}
    with ExitStack() as stack:
        for name in names:
            cancellation.check()
            progress(f"loading {resolved.name} into {name}")
            try:
                prepared = prepare(name, resolved, out, threads=threads, progress=progress)
                opened[name] = stack.enter_context(SubprocessRuntime(prepared, answer_s=limit_s))
            except RuntimeLost as error:
                if name == REFERENCE:
                    raise
                lost[name] = str(error)
            except DepthbenchError as error:
                listed = runtimes == "all" or isinstance(error, ToolMissing)
                if name == REFERENCE or not listed:
                    raise
                absent[name] = str(error)
        precision, tolerance = comparison.precision_of(resolved)
        found = comparison.compare(
            opened,
            seeded_inputs(resolved.fixed_inputs),
            rounds=rounds,
            threads=threads,
            tolerance=tolerance,
            progress=progress,
        )
    return {
        **found,
        "precision": precision,
        "lost": {**lost, **found["lost"]},
        **_compared(resolved),
        "absent": absent,
        "git": git_state(),
        "tools": tool_versions(),
    }


def _compared(model: Model) -> dict[str, Any]:
    return {
        "model": model.name,
        "sha256": model.sha256,
        "weights": model.metadata.get("weights", ""),
    }
