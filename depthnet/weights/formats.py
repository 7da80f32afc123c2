"""Weights of a network as a file: fp16 safetensors, with the record of its training beside it."""

from __future__ import annotations

import hashlib
import json
import pickle
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from depthbench.errors import InputError
from depthbench.files import write_whole
from depthnet.network import DepthNetwork

FORMAT = 1
HEADER = "depthbench"
SHOWN_KEYS = 3
NOT_PYTORCH = "not a PyTorch file, or a damaged one"
FETCH_AGAIN = "fetch it again"


def save_weights(network: DepthNetwork, path: Path, record: Mapping[str, Any]) -> dict[str, Any]:
    """Write the weights to `path` (.safetensors) and the record, completed, beside it (.json).

    Convolution kernels and matrices are rounded to fp16; biases and batch-norm statistics, a
    hundredth of the size and sensitive, stay float32. The mean and standard deviation that the
    encoder wants its images normalised with are kept in the file's header. The record gains the
    network's name, the file's SHA-256 and size. Raises InputError for weights that are not
    finite, also when fp16 cannot hold them; nothing is written then.
    """
    from safetensors.torch import save

    tensors = {name: _rounded(name, tensor) for name, tensor in network.state_dict().items()}
    header = {
        "format": FORMAT,
        "network": network.entry.name,
        "mean": list(network.mean),
        "std": list(network.std),
    }
    # One entry: safetensors writes several in random order, and the hash would change with it.
    content = save(tensors, {HEADER: json.dumps(header)})
    complete = {
        "network": network.entry.name,
        **record,
        "file": {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)},
    }
    write_whole(path, content)
    write_whole(record_path(path), (json.dumps(complete, indent=2) + "\n").encode())
    return complete


def load_weights(network: DepthNetwork, path: Path) -> dict[str, Any]:
    """Fill a network from a file, and return the record beside it (empty when there is none).

    `path`: what `save_weights` wrote, any safetensors file, or a PyTorch file of tensors (a
    state dict, or a training checkpoint), which is read without running code. Raises InputError
    when the file is missing or damaged, when its hash is not that of its record, or when its
    keys or shapes are not the network's.
    """
    if path.suffix == ".safetensors":
        tensors, header, record = _read_safetensors(path)
    else:
        tensors, header, record = _read_pytorch(path), {}, {}
    check_fit(network.state_dict(), tensors, f"{path} does not fit network {network.entry.name}")
    network.load_state_dict(tensors)
    if "mean" in header and "std" in header:
        network.mean = tuple(header["mean"])
        network.std = tuple(header["std"])
    return record


def network_of(path: Path) -> str:
    """The name of the network that a weights file or training checkpoint is of."""
    if path.suffix == ".safetensors":
        name = _read_safetensors(path)[1].get("network")
    else:
        loaded = read_tensors(path)
        identity = loaded.get("identity") if isinstance(loaded, dict) else None
        name = identity.get("network") if isinstance(identity, dict) else None
    if name is None:
        raise InputError(
            f"{path}: does not say which network it is of", advice="save it with a record"
        )
    return name


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def short_hash(path: Path) -> str:
    """The first digits of a file's SHA-256, by which a teacher is named."""
    return file_sha256(path)[:12]


def record_path(path: Path) -> Path:
    """Where the training record of a weights file lies."""
    return path.with_suffix(".json")


def load_record(path: Path) -> dict[str, Any]:
    """The record beside a weights file, checked against its hash; empty when there is none."""
    return _read_record(path)


def check_fit(wanted: Mapping[str, Tensor], given: Mapping[str, Tensor], complaint: str) -> None:
    """Raise InputError, naming the first keys that do not fit, unless all keys and shapes do."""
    problems = {
        "missing": sorted(wanted.keys() - given.keys()),
        "unexpected": sorted(given.keys() - wanted.keys()),
        "of another shape": sorted(
            f"{key} {tuple(given[key].shape)}, not {tuple(wanted[key].shape)}"
            for key in wanted.keys() & given.keys()
            if given[key].shape != wanted[key].shape
        ),
    }
    found = [
        f"{len(keys)} {kind} ({', '.join(keys[:SHOWN_KEYS])}{', ...' * (len(keys) > SHOWN_KEYS)})"
        for kind, keys in problems.items()
        if keys
    ]
    if found:
        raise InputError(f"{complaint}: keys {'; '.join(found)}")


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


def _rounded(name: str, tensor: Tensor) -> Tensor:
    tensor = tensor.detach().cpu().contiguous()
    rounded = tensor.half() if tensor.is_floating_point() and tensor.dim() > 1 else tensor
    if not rounded.isfinite().all():
        raise InputError(f"weight {name} is not finite in fp16", advice="train again, more gently")
    return rounded


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], dict[str, Any], dict[str, Any]]:
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise InputError(f"{path}: no such file")
    record = _read_record(path)
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            header = json.loads((file.metadata() or {}).get(HEADER, "{}"))
    except (SafetensorError, ValueError) as error:
        raise InputError(f"{path}: not a safetensors file, or a damaged one") from error
    if header.get("format", FORMAT) != FORMAT:
        raise InputError(f"{path}: weights of format {header['format']}, this reads {FORMAT}")
    return tensors, header, record


def _read_record(path: Path) -> dict[str, Any]:
    beside = record_path(path)
    if not beside.is_file():
        return {}
    try:
        record = json.loads(beside.read_text(encoding="utf-8"))
        expected = record["file"]["sha256"]
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f"{beside}: not the record of a weights file", advice="remove or restore it"
        ) from error
    if hashlib.sha256(path.read_bytes()).hexdigest() != expected:
        raise InputError(
            f"{path}: its SHA-256 is not that in {beside.name}", advice="fetch both again"
        )
    return record


def _read_pytorch(path: Path) -> dict[str, Tensor]:
    loaded = read_tensors(path)
    if isinstance(loaded, dict) and "model" in loaded:
        loaded = loaded.get("average") or loaded["model"]
    if not isinstance(loaded, dict) or not all(isinstance(t, Tensor) for t in loaded.values()):
        raise InputError(f"{path}: holds no state dict")
    return loaded
