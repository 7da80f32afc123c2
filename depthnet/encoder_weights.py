"""ImageNet weights of MobileNets that were published under other names than timm's."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from depthnet.encoders import Encoder
from depthnet.errors import InputError
from depthnet.weights import check_fit, read_tensors

MEAN = STD = (0.5, 0.5, 0.5)
"""Of the images the files' networks were trained on: (x - 128) / 128 for 8-bit x."""

# Blocks a stage, as timm divides them.
V1_STAGES = (1, 2, 2, 6, 2)
V2_STAGES = (1, 2, 3, 4, 3, 3, 1)

CONVOLUTION = ("weight",)
BATCH_NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def load_encoder(encoder: Encoder, path: Path) -> None:
    """Fill a MobileNet v1 or v2 encoder with ImageNet weights from a PyTorch file.

    Read are MobileNet v1 as a plain sequence (0: stem; 1 to 13: depthwise, batch norm, ReLU6,
    pointwise, batch norm, ReLU6) and v2 under torchvision's names. The encoder's mean and
    standard deviation become .5, those of these weights. They were trained with TensorFlow's
    SAME padding, which at stride 2 pads right and below only; the encoder pads both sides. So
    its maps are sampled a pixel further up and left, which training makes good.

    Raises InputError when the file is unreadable, for another encoder, or does not fit.
    """
    names = {"mobilenet_v1": v1_names, "mobilenet_v2": v2_names}
    if encoder.name not in names:
        raise InputError(
            f"{path}: encoder weights can be read for {', '.join(names)}, not for {encoder.name}"
        )
    given = read_tensors(path)
    mapping = names[encoder.name]()
    if not isinstance(given, dict) or not mapping.keys() & given.keys():
        raise InputError(f"{path}: no weights of {encoder.name}")
    renamed: dict[str, Tensor] = {}
    for theirs, ours in mapping.items():
        if theirs in given:
            renamed[ours] = given[theirs]
    wanted = encoder.backbone.state_dict()
    # The paper's extra convolution in v2 starts as the identity: no published file has it.
    needed = {key: wanted[key] for key in wanted if not key.startswith("expand.")}
    check_fit(needed, renamed, f"{path} does not fit encoder {encoder.name}")
    encoder.backbone.load_state_dict(renamed, strict=False)
    encoder.mean, encoder.std = MEAN, STD


def v1_names() -> dict[str, str]:
    """MobileNet v1: keys of a plain sequence to keys of timm's mobilenetv1_100."""
    modules = {"0.0": "conv_stem", "0.1": "bn1"}
    for number, ours in enumerate(_blocks(V1_STAGES), start=1):
        parts = {"0": "conv_dw", "1": "bn1", "3": "conv_pw", "4": "bn2"}
        modules |= {f"{number}.{theirs}": f"{ours}.{part}" for theirs, part in parts.items()}
    return _keys(modules)


def v2_names() -> dict[str, str]:
    """MobileNet v2: torchvision's keys to keys of timm's mobilenetv2_100."""
    modules = {
        "features.0.0": "conv_stem",
        "features.0.1": "bn1",
        "features.18.0": "conv_head",
        "features.18.1": "bn2",
    }
    expanding = {
        "0.0": "conv_pw", "0.1": "bn1", "1.0": "conv_dw", "1.1": "bn2", "2": "conv_pwl", "3": "bn3",
    }  # fmt: skip
    first = {"0.0": "conv_dw", "0.1": "bn1", "1": "conv_pw", "2": "bn2"}
    for number, ours in enumerate(_blocks(V2_STAGES), start=1):
        for theirs, part in (first if number == 1 else expanding).items():
            modules[f"features.{number}.conv.{theirs}"] = f"{ours}.{part}"
    return _keys(modules)


def _blocks(stages: tuple[int, ...]) -> list[str]:
    return [f"blocks.{i}.{j}" for i, count in enumerate(stages) for j in range(count)]


def _keys(modules: dict[str, str]) -> dict[str, str]:
    return {
        f"{theirs}.{tensor}": f"{ours}.{tensor}"
        for theirs, ours in modules.items()
        for tensor in (BATCH_NORM if ours.rpartition(".")[2].startswith("bn") else CONVOLUTION)
    }
