"""How many of a thing there are, in words."""

from __future__ import annotations


def counted(number: int, noun: str, plural: str = "") -> str:
    """`1 cell`, `2 cells`; `plural` is that of a noun which takes more than an s."""
    return f"{number} {noun if number == 1 else plural or f'{noun}s'}"
