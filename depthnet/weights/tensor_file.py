"""Files of tensors: safetensors, and PyTorch's, which are read without running code."""

from __future__ import annotations

import json
import pickle
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from depthbench.errors import InputError

FORMAT = 1
HEADER = "depthbench"
SAFETENSORS = ".safetensors"
SHOWN_KEYS = 3
NOT_PYTORCH = "not a PyTorch file, or a damaged one"
FETCH_AGAIN = "fetch it again"

Contents = tuple[dict[str, Tensor], dict[str, Any]]
"""Tensors by name, and what the file says of itself."""


def read_file(path: Path) -> Contents:
    """The tensors of a safetensors file, a state dict or a training checkpoint, and its header.

    A checkpoint's is the identity of its run. Raises InputError for what is none of them.
    """
    return _read_safetensors(path) if path.suffix == SAFETENSORS else _read_pytorch(path)


def read_tensors(path: Path) -> Any:
    """A PyTorch file as it was saved, tensors and plain values only; raises InputError."""
    try:
        return torch.load(path, map_location="cpu", weights_only=True)
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except pickle.UnpicklingError as error:
        if not zipfile.is_zipfile(path):
            raise InputError(f"{path}: {NOT_PYTORCH}", advice=FETCH_AGAIN) from error
        raise InputError(
            f"{path}: holds something else than tensors and was not opened: loading it could run "
            "code",
            advice="save a state dict or a safetensors file",
        ) from error
    except (OSError, RuntimeError, EOFError, ValueError, KeyError) as error:
        raise InputError(f"{path}: {NOT_PYTORCH}", advice=FETCH_AGAIN) from error


def check_fit(
    wanted: Mapping[str, Tensor],
    given: Mapping[str, Tensor],
    complaint: str,
    *,
    narrower: bool = False,
) -> None:
    """Raise InputError, naming the first keys that do not fit, unless all keys and shapes do.

    `narrower`: fewer channels than wanted fit as well.
    """
    problems = {
        "missing": sorted(wanted.keys() - given.keys()),
        "unexpected": sorted(given.keys() - wanted.keys()),
        "of another shape": sorted(
            f"{key} {tuple(given[key].shape)}, not {tuple(wanted[key].shape)}"
            for key in wanted.keys() & given.keys()
            if not _fits(wanted[key].shape, given[key].shape, narrower)
        ),
    }
    found = [
        f"{len(keys)} {kind} ({', '.join(keys[:SHOWN_KEYS])}{', ...' * (len(keys) > SHOWN_KEYS)})"
        for kind, keys in problems.items()
        if keys
    ]
    if found:
        raise InputError(f"{complaint}: keys {'; '.join(found)}")


def _fits(wanted: Sequence[int], given: Sequence[int], narrower: bool) -> bool:
    if not narrower or len(wanted) != len(given):
        return tuple(wanted) == tuple(given)
    # The first two axes are of channels, those behind them of a kernel.
    few = all(0 < g <= w for g, w in zip(given[:2], wanted[:2], strict=True))
    return few and tuple(given[2:]) == tuple(wanted[2:])


def _read_safetensors(path: Path) -> Contents:
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise InputError(f"{path}: no such file")
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            header = json.loads((file.metadata() or {}).get(HEADER, "{}"))
    except (SafetensorError, ValueError) as error:
        raise InputError(f"{path}: not a safetensors file, or a damaged one") from error
    if not _is_header(header):
        raise InputError(f"{path}: what it says of itself is damaged", advice=FETCH_AGAIN)
    if header.get("format", FORMAT) != FORMAT:
        raise InputError(f"{path}: weights of format {header['format']}, this reads {FORMAT}")
    return tensors, header


def _is_header(found: Any) -> bool:
    if not isinstance(found, dict) or not isinstance(found.get("network", ""), str):
        return False
    return all(
        isinstance(given, list)
        and len(given) == 3
        and all(isinstance(x, int | float) for x in given)
        for given in (found[key] for key in ("mean", "std") if key in found)
    )


def _read_pytorch(path: Path) -> Contents:
    loaded = read_tensors(path)
    header: Any = {}
    if isinstance(loaded, dict) and "model" in loaded:
        header = loaded.get("identity", {})
        loaded = loaded.get("average") or loaded["model"]
    if not isinstance(header, dict):
        raise InputError(f"{path}: a checkpoint that does not say of what")
    if not isinstance(loaded, dict) or not all(isinstance(t, Tensor) for t in loaded.values()):
        raise InputError(f"{path}: holds no state dict")
    return loaded, header
