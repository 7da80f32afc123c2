"""Contact sheets that records name, small enough to stand in a page."""

from __future__ import annotations

import base64
import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

BUDGET_BYTES = 1_500_000
"""Of all sheets of a page together, as they stand in it."""
WIDTHS = (1320, 1000, 760, 560, 400)
QUALITY = 82


def embed_sheets(records: Iterable[Mapping[str, Any]], folders: Sequence[Path]) -> dict[str, str]:
    """The sheets of accuracy records as data URLs, by the SHA-256 that the record gives.

    A record's `sheet` names its file, relative to the folder of the records; one that is not
    there, or not the one that was drawn, is left out.
    """
    found: dict[str, bytes] = {}
    for record in records:
        sheet = record.get("sheet")
        if isinstance(sheet, Mapping) and isinstance(sheet.get("sha256"), str):
            content = _find(sheet, folders)
            if content:
                found[sheet["sha256"]] = content
    share = BUDGET_BYTES // max(len(found), 1)
    return {sha256: _embed(content, share) for sha256, content in found.items()}


def _find(sheet: Mapping[str, Any], folders: Sequence[Path]) -> bytes | None:
    for folder in folders:
        path = folder / str(sheet.get("file"))
        if path.suffix == ".png" and path.is_file():
            content = path.read_bytes()
            if hashlib.sha256(content).hexdigest() == sheet.get("sha256"):
                return content
    return None


def _embed(content: bytes, limit: int) -> str:
    """The image as WebP, as wide as the limit lets it be."""
    from PIL import Image

    with Image.open(io.BytesIO(content)) as image:
        whole = image.convert("RGB")
    for width in WIDTHS:
        small = whole.copy()
        small.thumbnail((width, 1 << 16))
        encoded = io.BytesIO()
        small.save(encoded, "WEBP", quality=QUALITY)
        if encoded.tell() * 4 / 3 <= limit:
            break
    return f"data:image/webp;base64,{base64.b64encode(encoded.getvalue()).decode()}"
