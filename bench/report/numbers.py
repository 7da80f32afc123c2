"""Numbers as people read them, each with as many digits as mean something."""

from __future__ import annotations

import math
from typing import Any

ABSENT = "-"


def fixed(value: Any, digits: int, unit: str = "") -> str:
    """A number with `digits` decimals and its unit; a dash where there is none."""
    if not _is_number(value):
        return ABSENT
    return f"{value:.{digits}f}{' ' if unit else ''}{unit}"


def significant(value: Any, digits: int = 3) -> str:
    """A number with so many significant digits and no exponent; a dash where there is none."""
    if not _is_number(value):
        return ABSENT
    whole = len(str(int(abs(value)))) if abs(value) >= 1 else 0
    return f"{value:.{max(0, digits - whole)}f}"


def scientific(value: Any) -> str:
    """A number as 1.2e-08; a dash where there is none."""
    return f"{value:.1e}" if _is_number(value) else ABSENT


def percent(value: Any) -> str:
    """A ratio in percent; a dash where there is none."""
    return f"{value:.1%}" if _is_number(value) else ABSENT


def megabytes(value: Any) -> str:
    """Bytes in MB (10^6); a dash where there is none."""
    return f"{value / 1e6:.2f} MB" if _is_number(value) else ABSENT


def number(value: Any) -> float | None:
    """The value where it is a finite number, else None: records come from elsewhere."""
    return value if _is_number(value) and math.isfinite(value) else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


FILTERS = (fixed, significant, scientific, percent, megabytes)
"""What the templates of every format show numbers with."""
