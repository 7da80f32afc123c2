"""The log of a run: one row an epoch, as CSV."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

from depthbench.files import write_whole
from depthnet.scoring import metrics

Row = dict[str, Any]

COLUMNS = ("epoch", "step", "learning_rate", "loss", "images_per_s", "hours", *metrics.NAMES)


def write_log(path: Path, rows: list[Row]) -> None:
    """Write all rows so far, whole or not at all; metrics are empty where not validated."""
    text = io.StringIO(newline="")
    writer = csv.DictWriter(text, COLUMNS)
    writer.writeheader()
    for row in rows:
        writer.writerow({k: f"{v:.6g}" if isinstance(v, float) else v for k, v in row.items()})
    write_whole(path, text.getvalue().encode())
