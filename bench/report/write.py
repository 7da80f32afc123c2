"""A report as a file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bench.errors import InputError
from bench.report.markdown import render_markdown
from depthnet.files import write_whole


def write_report(document: Mapping[str, Any], path: Path) -> None:
    """Write a report, whole or not at all, in the form that the file's ending names.

    Raises InputError for an ending other than .md and .json.
    """
    if path.suffix == ".md":
        text = render_markdown(document)
    elif path.suffix == ".json":
        text = json.dumps(document, indent=2, allow_nan=False) + "\n"
    else:
        raise InputError(f"cannot write a report as {path.name}: end its name in .md or .json")
    write_whole(path, text.encode())
