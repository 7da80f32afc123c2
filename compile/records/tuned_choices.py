"""Which choices of the schedules were measured to be the best on a target?

They are kept as JSON, a file a target: the choices of each workload, what was measured of them
and of the default choices, and with which tools. depthbench ships some; a user's own come first.
"""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from compile import choices
from compile.targets import Target
from depthbench.errors import InputError
from depthbench.files import make_folder

SCHEMA = "depthbench.tuned/1"
SHIPPED = Path(__file__).parent
Tuned = dict[str, dict[str, str]]


@dataclass(frozen=True)
class Record:
    """The best known choices of one workload.

    `tuned` and `formula` are what `objective` says, of all of its calls in the network that it was
    tuned in, with these choices and with the default ones.
    """

    choices: dict[str, str]
    objective: str
    tuned: float
    formula: float
    network: str
    tools: dict[str, str]


def file_name(machine: Target) -> str:
    """The name of a target's file: that of the host has its kind of processor in it."""
    return f"{machine.tuned_as}.json"


def with_choices(machine: Target, own: Sequence[Path] | None = ()) -> Target:
    """The target with the choices that are known for it; without any where `own` is None."""
    known = {} if own is None else choices_for(machine, own)
    return replace(machine, choices=choices.Choices(known))


def choices_for(machine: Target, own: Sequence[Path] = ()) -> Tuned:
    """The choices by workload: those shipped, and over them those of the files `own`.

    Raises InputError where one of `own` is missing or not such a file for this target.
    """
    shipped = SHIPPED / file_name(machine)
    files = [*([shipped] if shipped.is_file() else []), *own]
    found: Tuned = {}
    for file in files:
        found |= {workload: record.choices for workload, record in read(file, machine).items()}
    return found


def sha256_of(tuned: Mapping[str, Mapping[str, str]]) -> str:
    """What tells apart two sets of choices."""
    return hashlib.sha256(json.dumps(tuned, sort_keys=True).encode()).hexdigest()


def read(file: Path, machine: Target) -> dict[str, Record]:
    """The records of a file by workload.

    Raises InputError where it is missing, of another target or schema, or damaged.
    """
    try:
        document = json.loads(file.read_text(encoding="utf-8"))
        schema, target = document["schema"], document["target"]
        records = {name: Record(**entry) for name, entry in document["workloads"].items()}
        for record in records.values():
            if not all(isinstance(value, str) for value in record.choices.values()):
                raise TypeError("a choice is not text")
    except OSError as error:
        raise InputError(f"{file}: cannot be read ({error.strerror}); tune first") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise InputError(f"{file}: not tuned choices; delete it, or tune again") from error
    if schema != SCHEMA or target != machine.tuned_as:
        raise InputError(
            f"{file}: {schema} for {target}, not {SCHEMA} for {machine.tuned_as}; tune again"
        )
    return records


def write(file: Path, machine: Target, records: Mapping[str, Record]) -> None:
    """Write a file whole, in the order of its workloads."""
    workloads = {name: asdict(records[name]) for name in sorted(records)}
    document: dict[str, Any] = {"schema": SCHEMA, "target": machine.tuned_as}
    text = json.dumps({**document, "workloads": workloads}, indent=1, allow_nan=False) + "\n"
    make_folder(file.parent)
    with tempfile.NamedTemporaryFile(
        "w", dir=file.parent, prefix=f".{file.name}-", delete=False, encoding="utf-8"
    ) as fresh:
        try:
            fresh.write(text)
            fresh.flush()
            os.chmod(fresh.name, 0o644)
            os.replace(fresh.name, file)
        except BaseException:
            os.unlink(fresh.name)
            raise
