"""How far a search is, as a file: what was counted, and the steps that were taken."""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from depthbench.errors import InputError
from depthbench.files import write_whole
from depthnet.training.checkpoint import check_same_run

FORMAT = 1
FILE = "search.json"


@dataclass
class SearchState:
    """`identity` says which search it is; the rest is how far it has come.

    `start`: the network before, as counted and scored. `table`: what widths were counted at.
    `finalists`: the proposals of the step in hand that are fine-tuned. `steps`: those taken.
    """

    identity: dict[str, Any]
    start: dict[str, Any] = field(default_factory=dict)
    table: list[dict[str, Any]] = field(default_factory=list)
    finalists: list[dict[str, Any]] = field(default_factory=list)
    steps: list[dict[str, Any]] = field(default_factory=list)

    def save(self, folder: Path) -> None:
        """Write `folder`/search.json, whole or not at all."""
        document = {"format": FORMAT, **dataclasses.asdict(self)}
        write_whole(folder / FILE, (json.dumps(document, indent=1) + "\n").encode())


def open_state(folder: Path, identity: dict[str, Any]) -> SearchState:
    """The state of the search in a folder; a fresh one where there is none.

    Raises InputError for a search of something else, and a file that is none.
    """
    file = folder / FILE
    if not file.exists():
        return SearchState(identity)
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        version = document.pop("format")
        state = SearchState(**document) if version == FORMAT else None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{file}: not a search", advice="remove it to begin again") from error
    if state is None:
        raise InputError(
            f"{file}: a search of format {version}, this version reads {FORMAT}",
            advice="give another folder",
        )
    check_same_run(file, state.identity, identity)
    return state
