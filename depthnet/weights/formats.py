"""Weights of a network as a file: fp16 safetensors, with the record of its training beside it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from depthbench.errors import InputError
from depthbench.files import write_whole
from depthnet.network import DepthNetwork
from depthnet.weights.tensor_file import FORMAT, HEADER, SAFETENSORS, check_fit, read_file
from depthnet.widths import set_tensors, small_image

PRUNED = "pruned"


def save_weights(network: DepthNetwork, path: Path, record: Mapping[str, Any]) -> dict[str, Any]:
    """Write the weights to `path` (.safetensors) and the record, completed, beside it (.json).

    Convolution kernels and matrices are rounded to fp16; biases and batch-norm statistics, a
    hundredth of the size and sensitive, stay float32. The mean and standard deviation that the
    encoder wants its images normalised with are kept in the file's header, and what is left of
    the network where it was pruned. The record gains the network's name, the same, and the file's
    SHA-256 and size. Raises InputError for weights that are not finite, also when fp16 cannot hold
    them; nothing is written then.
    """
    from safetensors.torch import save

    tensors = {name: _rounded(name, tensor) for name, tensor in network.state_dict().items()}
    left = {PRUNED: asdict(network.pruned)} if network.pruned else {}
    header = {
        "format": FORMAT,
        "network": network.entry.name,
        "mean": list(network.mean),
        "std": list(network.std),
        **left,
    }
    # One entry: safetensors writes several in random order, and the hash would change with it.
    content = save(tensors, {HEADER: json.dumps(header)})
    complete = {
        "network": network.entry.name,
        **record,
        **left,
        "file": {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)},
    }
    write_whole(path, content)
    write_whole(record_path(path), (json.dumps(complete, indent=2) + "\n").encode())
    return complete


def load_weights(network: DepthNetwork, path: Path) -> dict[str, Any]:
    """Fill a network from a file, and return the record beside it (empty when there is none).

    `path`: what `save_weights` wrote, any safetensors file, or a PyTorch file of tensors (a
    state dict, or a training checkpoint), which is read without running code. Where the file says
    that it is of a pruned network, this one gets its widths. Raises InputError when the file is
    missing or damaged, when its hash is not that of its record, or when its keys or shapes are not
    the network's.
    """
    record = load_record(path)
    tensors, header = read_file(path)
    name = network.entry.name
    of = header.get("network", name)
    whose = f", weights of {of}," if of != name else ""
    complaint = f"{path}{whose} does not fit network {name}"
    narrower = PRUNED in header
    check_fit(network.state_dict(), tensors, complaint, narrower=narrower)
    if narrower:
        _set_widths(network, tensors, complaint)
    else:
        network.load_state_dict(tensors)
    if "mean" in header and "std" in header:
        network.mean = tuple(header["mean"])
        network.std = tuple(header["std"])
    return record


def network_of(path: Path) -> str:
    """The name of the network that a weights file or training checkpoint is of."""
    load_record(path)
    name = read_file(path)[1].get("network")
    if name is None:
        raise InputError(
            f"{path}: does not say which network it is of", advice="save it with a record"
        )
    return name


def file_sha256(path: Path) -> str:
    """The SHA-256 of a file's content; raises InputError where there is none."""
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error


def short_hash(path: Path) -> str:
    """The first digits of a file's SHA-256, by which a teacher is named."""
    return file_sha256(path)[:12]


def record_path(path: Path) -> Path:
    """Where the training record of a weights file lies."""
    return path.with_suffix(".json")


def load_record(path: Path) -> dict[str, Any]:
    """The record beside a weights file, checked against its hash; empty when there is none."""
    beside = record_path(path)
    if path.suffix != SAFETENSORS or not (path.is_file() and beside.is_file()):
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


@torch.inference_mode()
def _set_widths(network: DepthNetwork, tensors: Mapping[str, Tensor], complaint: str) -> None:
    """Put in tensors of other widths; raises InputError unless it takes an image with them."""
    try:
        set_tensors(network, tensors)
        network(small_image(network))
    except RuntimeError as error:
        raise InputError(f"{complaint}: its widths do not go together") from error


def _rounded(name: str, tensor: Tensor) -> Tensor:
    tensor = tensor.detach().cpu().contiguous()
    rounded = tensor.half() if tensor.is_floating_point() and tensor.dim() > 1 else tensor
    if not rounded.isfinite().all():
        raise InputError(f"weight {name} is not finite in fp16", advice="train again, more gently")
    return rounded
