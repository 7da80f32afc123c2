"""Which pairs a search is judged by, and whether the network has seen them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def unseen(before: Mapping[str, Any], data: Mapping[str, Any]) -> bool | None:
    """Whether weights were not trained on the pairs that are held out.

    `before`: the record of their training; `data`: the description of the first source now. By the
    same rule as many pairs were held out of the same data then; None without a record.
    """
    sources = before.get("data") or []
    if not sources:
        return None
    said = ("data", "pairs", "held_out")
    return all(sources[0].get(name) == data.get(name) for name in said)
