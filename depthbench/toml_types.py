"""Whether values of a TOML file are of the types that a dataclass gives its fields."""

from __future__ import annotations

from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from depthbench.errors import InputError

WORDS = {str: "text", int: "a whole number", float: "a number", bool: "true or false"}


def check_types(values: Mapping[str, Any], kind: type, where: str) -> None:
    """Raise InputError for the first of the values that is not of its field's type in `kind`.

    Fields are text, numbers, booleans, literals, or tuples of such, which are lists in the file;
    None stands for a value that is not given. `where` begins the message.
    """
    hints = get_type_hints(kind)
    for key, value in values.items():
        if not _is(value, hints[key]):
            raise InputError(f"{where}: {key} is {value!r}", advice=f"give {_words(hints[key])}")


def _is(value: Any, hint: Any) -> bool:
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Literal:
        return value in parts
    if origin is UnionType:
        return any(_is(value, part) for part in parts)
    if origin is tuple:
        each = _each(parts, value)
        return each is not None and all(map(_is, value, each))
    if isinstance(value, bool):
        return hint is bool
    return isinstance(value, int | float if hint is float else hint)


def _each(parts: tuple[Any, ...], value: Any) -> tuple[Any, ...] | None:
    """The types of a list's entries; None where it is no list, or of another length."""
    if not isinstance(value, list):
        return None
    if parts[-1] is ...:
        return parts[:1] * len(value)
    return parts if len(parts) == len(value) else None


def _words(hint: Any) -> str:
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Literal:
        return f"one of {', '.join(map(str, parts))}"
    if origin is UnionType:
        return " or ".join(_words(part) for part in parts if part is not NoneType)
    if origin is tuple and parts[-1] is ...:
        return f"a list, each {_words(parts[0])}"
    if origin is tuple:
        return f"a list of {len(parts)}, each {_words(parts[0])}"
    return WORDS[hint]
