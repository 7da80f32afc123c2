"""A report as a file."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bench.report.csv_table import render_csv
from bench.report.html import render_html
from bench.report.markdown import render_markdown
from bench.report.pdf import print_pdf
from depthbench.errors import InputError
from depthbench.files import write_whole

ENDINGS = (".html", ".pdf", ".md", ".csv", ".json")


def write_report(document: Mapping[str, Any], path: Path, folders: Sequence[Path] = ()) -> None:
    """Write a report, whole or not at all, in the form that the file's ending names.

    `folders` are those of the records, where HTML finds contact sheets; PDF is the same page,
    unfolded and printed. Raises InputError for an ending that is not one of `ENDINGS`, and for PDF
    ToolMissing without a browser.
    """
    if path.suffix == ".pdf":
        write_whole(path, print_pdf(render_html(document, folders, unfolded=True)))
        return
    if path.suffix == ".html":
        text = render_html(document, folders)
    elif path.suffix == ".md":
        text = render_markdown(document)
    elif path.suffix == ".csv":
        text = render_csv(document)
    elif path.suffix == ".json":
        text = json.dumps(document, indent=2, allow_nan=False) + "\n"
    else:
        raise InputError(
            f"cannot write a report as {path.name}",
            advice=f"end its name in {', '.join(ENDINGS[:-1])} or {ENDINGS[-1]}",
        )
    write_whole(path, text.encode())
