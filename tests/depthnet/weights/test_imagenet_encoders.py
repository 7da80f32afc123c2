"""Published MobileNets in timm's modules: the same features as the network they were made for."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from depthbench.errors import InputError
from depthnet.batch_norm import unfold
from depthnet.encoders import Encoder
from depthnet.weights.imagenet_encoders import load_encoder, names, open_encoder


def unit(inputs: int, outputs: int, kernel: int, stride: int = 1, groups: int = 1) -> nn.Sequential:
    """Convolution, batch norm, ReLU6, under torchvision's names."""
    conv = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, groups=groups, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(outputs), nn.ReLU6())


def reference_v1() -> nn.Sequential:
    """MobileNet v1 (Howard 2017, table 1) as the plain sequence of the files."""
    widths = (32, 64, 128, 128, 256, 256, *[512] * 6, 1024, 1024)
    strides = (1, 2, 1, 2, 1, 2, 1, 1, 1, 1, 1, 2, 1)
    layers = [unit(3, 32, 3, 2)]
    for (a, b), stride in zip(itertools.pairwise(widths), strides, strict=True):
        layers.append(nn.Sequential(*unit(a, a, 3, stride, groups=a), *unit(a, b, 1)))
    return nn.Sequential(*layers)


class Inverted(nn.Module):
    """The inverted residual of MobileNet v2 (Sandler 2018, table 1) under torchvision's names."""

    def __init__(self, inputs: int, outputs: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = inputs * expansion
        layers: list[nn.Module] = [unit(inputs, inner, 1)] if expansion > 1 else []
        layers.append(unit(inner, inner, 3, stride, groups=inner))
        layers += [nn.Conv2d(inner, outputs, 1, bias=False), nn.BatchNorm2d(outputs)]
        self.conv = nn.Sequential(*layers)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        return x + self.conv(x) if self.residual else self.conv(x)


def reference_v2() -> nn.Sequential:
    rows = (
        (1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2),
        (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1),
    )  # fmt: skip
    layers: list[nn.Module] = [unit(3, 32, 3, 2)]
    width = 32
    for expansion, outputs, count, stride in rows:
        for number in range(count):
            layers.append(Inverted(width, outputs, stride if number == 0 else 1, expansion))
            width = outputs
    return nn.Sequential(*layers, unit(width, 1280, 1))


class LiteBlock(nn.Module):
    """EfficientNet-Lite's inverted residual under the names of efficientnet_lite_pytorch."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int, expansion: int) -> None:
        super().__init__()
        inner = inputs * expansion
        if expansion > 1:
            self._expand_conv = nn.Conv2d(inputs, inner, 1, bias=False)
            self._bn0 = nn.BatchNorm2d(inner, eps=1e-3)
        self._depthwise_conv = nn.Conv2d(
            inner, inner, kernel, stride, groups=inner, bias=False, padding=0
        )
        self._bn1 = nn.BatchNorm2d(inner, eps=1e-3)
        self._project_conv = nn.Conv2d(inner, outputs, 1, bias=False)
        self._bn2 = nn.BatchNorm2d(outputs, eps=1e-3)
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x: Tensor) -> Tensor:
        y = x
        if hasattr(self, "_expand_conv"):
            y = self._bn0(self._expand_conv(y)).clamp(0, 6)
        y = self._bn1(self._depthwise_conv(same(y, self._depthwise_conv))).clamp(0, 6)
        y = self._bn2(self._project_conv(y))
        return x + y if self.residual else y


def same(x: Tensor, conv: nn.Conv2d) -> Tensor:
    """TensorFlow's SAME padding: what is odd goes right and below."""
    pads: list[int] = []
    for size, kernel, stride in zip(x.shape[-1:1:-1], conv.kernel_size, conv.stride, strict=True):
        total = max((-(-size // stride) - 1) * stride + kernel - size, 0)
        pads += [total // 2, total - total // 2]
    return nn.functional.pad(x, pads)


class Lite(nn.Module):
    """EfficientNet-Lite 0 (Tan 2019, table 1; stem and head not scaled, no SE)."""

    def __init__(self) -> None:
        super().__init__()
        rows = (
            (1, 16, 1, 1, 3), (6, 24, 2, 2, 3), (6, 40, 2, 2, 5), (6, 80, 3, 2, 3),
            (6, 112, 3, 1, 5), (6, 192, 4, 2, 5), (6, 320, 1, 1, 3),
        )  # fmt: skip
        self._conv_stem = nn.Conv2d(3, 32, 3, 2, bias=False)
        self._bn0 = nn.BatchNorm2d(32, eps=1e-3)
        self._blocks = nn.ModuleList()
        width = 32
        for expansion, outputs, count, stride, kernel in rows:
            for number in range(count):
                step = stride if number == 0 else 1
                self._blocks.append(LiteBlock(width, outputs, kernel, step, expansion))
                width = outputs
        self._conv_head = nn.Conv2d(320, 1280, 1, bias=False)
        self._bn1 = nn.BatchNorm2d(1280, eps=1e-3)
        self._fc = nn.Linear(1280, 1000)

    def forward(self, x: Tensor) -> Tensor:
        x = self._bn0(self._conv_stem(same(x, self._conv_stem))).clamp(0, 6)
        for block in self._blocks:
            x = block(x)
        return self._bn1(self._conv_head(x)).clamp(0, 6)


def randomise(network: nn.Module, seed: int) -> None:
    """Weights under which every layer matters, statistics included."""
    generator = torch.Generator().manual_seed(seed)
    for module in network.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.weight.data = 0.7 + 0.6 * torch.rand(module.num_features, generator=generator)
            module.bias.data = 0.3 * torch.randn(module.num_features, generator=generator)
            module.running_mean = 0.2 * torch.randn(module.num_features, generator=generator)
            module.running_var = 0.5 + torch.rand(module.num_features, generator=generator)


def saved(path: Path, network: nn.Module, prefix: str = "") -> Path:
    torch.save({f"{prefix}{key}": value for key, value in network.state_dict().items()}, path)
    return path


@pytest.fixture(scope="module")
def image() -> Tensor:
    return torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(3))


@pytest.mark.parametrize(
    ("name", "make", "prefix", "taps"),
    [
        ("mobilenet_v1", reference_v1, "", {2: 1, 4: 3, 8: 5}),
        ("mobilenet_v2", reference_v2, "features.", {4: 3, 8: 6, 16: 13}),
    ],
)
def test_a_mapped_encoder_has_the_features_of_the_network_it_was_made_for(
    tmp_path: Path, image: Tensor, name: str, make: type, prefix: str, taps: dict[int, int]
) -> None:
    reference = make().eval()
    randomise(reference, seed=1)
    encoder = Encoder(name).eval()
    load_encoder(encoder, saved(tmp_path / "net.pth", reference, prefix))
    expected: dict[int, Tensor] = {}
    x = (image * 255 - 127.5) / 127.5
    with torch.inference_mode():
        mean, std = torch.tensor(encoder.mean), torch.tensor(encoder.std)
        normalised = (image - mean[:, None, None]) / std[:, None, None]
        deepest, maps = encoder(normalised)
        for number, layer in enumerate(reference):
            x = layer(x)
            expected |= {stride: x for stride, tap in taps.items() if tap == number}
    torch.testing.assert_close(deepest, x, rtol=1e-3, atol=1e-3)
    assert x.std() > 0.01
    for stride, tap in expected.items():
        torch.testing.assert_close(maps[stride], tap, rtol=1e-3, atol=1e-3)


def test_a_mapped_efficientnet_lite_has_the_features_of_the_network_it_was_made_for(
    tmp_path: Path, image: Tensor
) -> None:
    reference = Lite().eval()
    randomise(reference, seed=1)
    encoder = open_encoder(saved(tmp_path / "lite.pth", reference)).eval()
    assert encoder.name == "efficientnet_l0"
    with torch.inference_mode():
        expected = reference(2 * image - 1)
        deepest, _ = encoder(2 * image - 1)
    torch.testing.assert_close(deepest, expected, rtol=1e-3, atol=1e-3)
    assert expected.std() > 0.01


def test_a_file_of_no_known_encoder_is_refused_with_those_that_are(tmp_path: Path) -> None:
    path = saved(tmp_path / "net.pth", nn.Conv2d(1, 1, 1))
    with pytest.raises(InputError, match=r"net\.pth: of no known encoder; .* mobilenet_v1, "):
        open_encoder(path)


@pytest.mark.parametrize("name", names())
def test_no_two_keys_are_mapped_to_one(name: str) -> None:
    mapping = names()[name]
    assert len(set(mapping.values())) == len(mapping)


@pytest.mark.parametrize(
    ("name", "file"),
    [
        ("mobilenet_v1", "mobilenet_v1_1.0_imagenet_int8dequant.pth"),
        ("mobilenet_v2", "mobilenet_v2_1.0_imagenet_int8dequant_tvstyle.pth"),
    ],
)
def test_the_published_files_load_and_unfolding_keeps_their_function(
    shared_data: Path, image: Tensor, name: str, file: str
) -> None:
    encoder = Encoder(name).eval()
    load_encoder(encoder, shared_data / "encoders" / file)
    assert encoder.mean == encoder.std == (0.5, 0.5, 0.5)
    with torch.inference_mode():
        before, _ = encoder(image * 2 - 1)
        assert before.std() > 0.01
        wild, _ = encoder.train()(image * 2 - 1)
    # That run moved the statistics.
    encoder = Encoder(name).eval()
    load_encoder(encoder, shared_data / "encoders" / file)
    assert unfold(encoder, image) == sum(isinstance(m, nn.BatchNorm2d) for m in encoder.modules())
    with torch.inference_mode():
        after, _ = encoder.eval()(image * 2 - 1)
        trained, _ = encoder.train()(image * 2 - 1)
    torch.testing.assert_close(after, before, rtol=1e-3, atol=2e-3)
    # In training mode the batch's own statistics count; these are those of the same images.
    assert (trained - before).abs().mean() < 0.1 * (wild - before).abs().mean()


def test_files_for_another_encoder_are_refused(tmp_path: Path) -> None:
    v1 = saved(tmp_path / "v1.pth", reference_v1())
    with pytest.raises(InputError, match="no weights of mobilenet_v2"):
        load_encoder(Encoder("mobilenet_v2"), v1)
    with pytest.raises(InputError, match=r"mobilenet_v1, .*efficientnet_l2, not for regnety_002"):
        load_encoder(Encoder("regnety_002"), v1)


def test_a_file_that_lacks_a_layer_is_refused_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"does not fit encoder .* 12 missing \(blocks\.4\.1"):
        load_encoder(
            Encoder("mobilenet_v1"),
            saved(tmp_path / "v1.pth", reference_v1()[:-1]),
        )
