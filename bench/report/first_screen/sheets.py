"""Contact sheets that records name, small enough to stand in a page."""

from __future__ import annotations

import base64
import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.accuracy.contact_sheet import PANELS
from bench.report.numbers import number

if TYPE_CHECKING:
    from PIL.Image import Image

BUDGET_BYTES = 1_500_000
"""Of all sheets of a page together, as they stand in it."""
WIDTHS = (1600, 1320, 1000, 760, 560, 400)
QUALITY = 82
PANEL_WIDTH = 560
"""Pixels: a panel that is shown alone is half a column wide, on a screen with two for one."""


def embed_sheets(
    records: Iterable[Mapping[str, Any]], folders: Sequence[Path], form: str = "WEBP"
) -> dict[str, str]:
    """The sheets of accuracy records as data URLs, by the SHA-256 that the record gives.

    A record's `sheet` names its file, relative to the folder of the records; one that is not
    there, or not the one that was drawn, is left out. `form` is what they become; a browser prints
    JPEG as it is, and WebP as bare pixels.
    """
    found: dict[str, bytes] = {}
    for record in records:
        if content := find_sheet(record, folders):
            found[record["sheet"]["sha256"]] = content
    share = BUDGET_BYTES // max(len(found), 1)
    return {sha256: _embed(content, share, form) for sha256, content in found.items()}


def find_sheet(record: Mapping[str, Any], folders: Sequence[Path]) -> bytes | None:
    """The PNG that an accuracy record names, if it is in one of the folders and unchanged."""
    sheet = record.get("sheet")
    if not isinstance(sheet, Mapping) or not isinstance(sheet.get("sha256"), str):
        return None
    for folder in folders:
        path = folder / str(sheet.get("file"))
        if path.suffix == ".png" and path.is_file():
            content = path.read_bytes()
            if hashlib.sha256(content).hexdigest() == sheet.get("sha256"):
                return content
    return None


def typical_image(content: bytes, form: str = "WEBP") -> dict[str, Any] | None:
    """Of a sheet's rows the one whose δ1 is the median, its panels large; None where it has none.

    It has `name`, `delta1`, `of` (how many rows), and `panels`: image, truth, prediction and
    difference as data URLs, with what their colours mean in metres: `near_m`, `far_m`, `worst_m`.
    """
    from PIL import Image

    with Image.open(io.BytesIO(content)) as sheet:
        rows = _rows(sheet)
        if not rows:
            return None
        rows.sort(key=lambda row: row["delta1"])
        row = rows[(len(rows) - 1) // 2]
        panels = [_panel(sheet.crop(box).convert("RGB"), form) for box in row["boxes"]]
    return {**row, "of": len(rows), "panels": panels}


def _rows(sheet: Image) -> list[dict[str, Any]]:
    """What the file says of its panels, as far as it fits the picture."""
    try:
        rows = json.loads(getattr(sheet, "text", {}).get(PANELS, "[]"))
        return [row for row in rows if _fits(row, sheet.size)]
    except (ValueError, TypeError, KeyError):
        return []


def _fits(row: Mapping[str, Any], size: tuple[int, int]) -> bool:
    figures = [row["delta1"], row["near_m"], row["far_m"], row["worst_m"]]
    boxes = row["boxes"]
    inside = len(boxes) == 4 and all(
        0 <= left < right <= size[0] and 0 <= top < bottom <= size[1]
        for left, top, right, bottom in boxes
    )
    return inside and isinstance(row["name"], str) and None not in map(number, figures)


def _panel(image: Image, form: str) -> str:
    image.thumbnail((PANEL_WIDTH, PANEL_WIDTH))
    return _as_url(image, form)


def _embed(content: bytes, limit: int, form: str) -> str:
    """The image as wide as the limit lets it be."""
    from PIL import Image

    with Image.open(io.BytesIO(content)) as image:
        whole = image.convert("RGB")
    url = ""
    for width in WIDTHS:
        small = whole.copy()
        small.thumbnail((width, 1 << 16))
        url = _as_url(small, form)
        if len(url) <= limit:
            break
    return url


def _as_url(image: Image, form: str) -> str:
    encoded = io.BytesIO()
    image.save(encoded, form, quality=QUALITY)
    return f"data:image/{form.lower()};base64,{base64.b64encode(encoded.getvalue()).decode()}"
