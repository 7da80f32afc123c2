"""The known name that a misspelt one is nearest to."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str], otherwise: str = "") -> str:
    """Advice on an unknown `name`: the nearest of `known`, whatever its case.

    When none is near, `otherwise`, by default all that are known.
    """
    names = list(known)
    by_lower_case = {one.lower(): one for one in names}
    for near in difflib.get_close_matches(name.lower(), by_lower_case, n=1):
        return f"did you mean '{by_lower_case[near]}'?"
    return otherwise or f"choose one of {', '.join(names)}"
