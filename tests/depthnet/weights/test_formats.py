"""Weights files: written whole, read without running code, refused where they do not fit."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from depthbench.errors import InputError
from depthnet import zoo
from depthnet.network import DepthNetwork
from depthnet.weights.formats import load_weights, network_of, record_path, save_weights
from depthnet.weights.tensor_file import read_file

ENTRY = zoo.get("mobiledepth")


class Encoder(nn.Module):
    def __init__(self, mean: float) -> None:
        super().__init__()
        self.mean = self.std = (mean, mean, mean)
        self.conv = nn.Conv2d(3, 4, 3)
        self.norm = nn.BatchNorm2d(4)


class Network(DepthNetwork):
    """The least that has weights, statistics and a normalisation."""

    def __init__(self, mean: float = 0.5) -> None:
        nn.Module.__init__(self)
        self.entry = ENTRY
        self.encoder = Encoder(mean)
        self.mean, self.std = self.encoder.mean, self.encoder.std


class Sneaky:
    """A pickle of it would run a command."""

    def __reduce__(self) -> tuple:
        return os.system, ("touch ran",)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    path = tmp_path / "net.safetensors"
    save_weights(Network(), path, {"epochs": 3})
    return path


def test_weights_come_back_rounded_to_half_precision(tmp_path: Path) -> None:
    first, second = Network(mean=0.5), Network(mean=0.3)
    path = tmp_path / "net.safetensors"
    save_weights(first, path, {"epochs": 3})
    record = load_weights(second, path)
    assert record["epochs"] == 3
    assert record["network"] == "mobiledepth"
    assert second.mean == (0.5, 0.5, 0.5)
    theirs = second.state_dict()
    for key, tensor in first.state_dict().items():
        expected = tensor.half().float() if tensor.dim() > 1 else tensor
        assert torch.equal(theirs[key], expected)
        assert theirs[key].dtype == tensor.dtype


def test_the_same_weights_give_the_same_file(tmp_path: Path) -> None:
    network = Network()
    hashes = {
        save_weights(network, tmp_path / "net.safetensors", {})["file"]["sha256"] for _ in range(8)
    }
    assert len(hashes) == 1


def test_the_record_has_the_files_hash(saved: Path) -> None:
    record = json.loads(record_path(saved).read_text())
    assert record["file"]["sha256"] == hashlib.sha256(saved.read_bytes()).hexdigest()
    assert record["file"]["bytes"] == saved.stat().st_size
    assert network_of(saved) == "mobiledepth"


def test_a_changed_file_is_refused(saved: Path) -> None:
    content = bytearray(saved.read_bytes())
    content[-1] ^= 1
    saved.write_bytes(content)
    with pytest.raises(InputError, match="SHA-256"):
        load_weights(Network(), saved)


def test_a_truncated_file_is_refused(saved: Path) -> None:
    record_path(saved).unlink()
    saved.write_bytes(saved.read_bytes()[:-100])
    with pytest.raises(InputError, match="damaged"):
        load_weights(Network(), saved)


def test_keys_that_do_not_fit_are_named_with_the_network(saved: Path) -> None:
    other = Network()
    other.encoder.conv = nn.Conv2d(3, 4, 5)
    other.encoder.head = nn.Linear(2, 2, bias=False)
    del other.encoder.norm
    with pytest.raises(InputError) as caught:
        load_weights(other, saved)
    message = str(caught.value)
    assert "\n" not in message
    assert "network mobiledepth" in message
    assert "1 missing (encoder.head.weight)" in message
    assert "5 unexpected (encoder.norm.bias, encoder.norm.num_batches_tracked" in message
    assert "encoder.conv.weight (4, 3, 3, 3), not (4, 3, 5, 5)" in message


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e6])
def test_weights_that_half_precision_cannot_hold_are_not_written(
    tmp_path: Path, value: float
) -> None:
    network = Network()
    with torch.no_grad():
        network.encoder.conv.weight[0, 0, 0, 0] = value
    with pytest.raises(InputError, match=r"encoder\.conv\.weight is not finite"):
        save_weights(network, tmp_path / "net.safetensors", {})
    assert not list(tmp_path.iterdir())


def test_a_state_dict_is_read(tmp_path: Path) -> None:
    first, second = Network(), Network()
    torch.save(first.state_dict(), tmp_path / "net.pt")
    assert load_weights(second, tmp_path / "net.pt") == {}
    assert torch.equal(first.encoder.conv.weight, second.encoder.conv.weight)


def test_a_pickle_that_would_run_code_is_refused_and_does_not_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    torch.save({"encoder.conv.weight": Sneaky()}, "net.pt")
    with pytest.raises(InputError, match="could run code"):
        load_weights(Network(), Path("net.pt"))
    assert not Path("ran").exists()


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    for name in ("none.safetensors", "none.pt"):
        with pytest.raises(InputError, match="no such file"):
            load_weights(Network(), tmp_path / name)


@pytest.mark.parametrize("header", ["[]", '{"network": 5}', '{"mean": 3}', '{"std": ["a", 1, 1]}'])
def test_a_damaged_header_is_one_line(tmp_path: Path, header: str) -> None:
    path = tmp_path / "net.safetensors"
    save_file({"weight": torch.zeros(1)}, path, {"depthbench": header})
    with pytest.raises(InputError, match=r"net\.safetensors: what it says of itself is damaged"):
        read_file(path)
