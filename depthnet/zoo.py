"""Every network by name: the rows of the paper's tables, each composed from few parts."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from depthbench.errors import InputError
from depthbench.suggest import did_you_mean
from depthnet.decoder_spec import DecoderSpec

if TYPE_CHECKING:
    from depthnet.depth_space import DepthSpace

FLAGSHIP = "mobiledepth"
STRIDE = 32
"""By how much the deepest maps are smaller than the image."""


def by(size: tuple[int, int]) -> str:
    """Height and width in words: 224x224."""
    return f"{size[0]}x{size[1]}"


MOBILENET_WIDTHS = (512, 256, 128, 64, 32)
# The last four are the encoder's own channels, so that its maps can be added.
REGNETY_WIDTHS = {
    "regnety_004": (320, 208, 104, 48, 32),
    "regnety_006": (440, 256, 112, 48, 32),
    "regnety_008": (512, 320, 128, 64, 32),
}


@dataclass(frozen=True)
class Entry:
    """One network: its parts, and the rows of the paper that print it.

    It is an `encoder` with a `decoder`, or a `baseline` of table I. `fixed_size`: it takes no
    other than `input_size`. `rows` are (table, row) pairs of `paper.tables()`. `open` says
    which part of the definition the paper leaves open, and was chosen because the printed
    weights and MACs then come out.
    """

    name: str
    encoder: str
    decoder: DecoderSpec | None
    rows: tuple[tuple[str, str], ...]
    open: str = ""
    baseline: str = ""
    fixed_size: bool = False
    depth_space: DepthSpace = "inverse"
    input_size: tuple[int, int] = (224, 224)

    def check_size(self, size: tuple[int, int]) -> None:
        """Raise InputError for an image, (height, width), that the network does not take."""
        if any(edge <= 0 or edge % STRIDE for edge in size):
            raise InputError(
                f"input size {by(size)}: height and width must be multiples of {STRIDE}"
            )
        if self.fixed_size and size != self.input_size:
            raise InputError(f"{self.name} takes no input size other than {by(self.input_size)}")


NNCONV5 = DecoderSpec("ds_norm", MOBILENET_WIDTHS, output_norm=True)
FASTDEPTH = replace(NNCONV5, join="add", skips=(8, 4, 2), join_before=True)
MOBILENET_CAT = replace(NNCONV5, join="cat")
LITE_CAT = replace(NNCONV5, join="cat", skips=(32, 16, 8, 4))


def _regnety(size: str, **changes: object) -> DecoderSpec:
    spec = DecoderSpec("ds_norm", REGNETY_WIDTHS[size], join="add", output_norm=True)
    return replace(spec, **changes)  # type: ignore[arg-type]


DS = _regnety("regnety_006", block="ds", output_norm=False)
WIDTH_006 = "the first block's width: 438 to 440 fit"
LITE_TAPS = "the encoder maps that are concatenated: the natural ones of several that fit"

_ENCODERS = (
    Entry("mobilenet_v1", "mobilenet_v1", NNCONV5, (("IV", "MobileNet v1"),)),
    Entry(
        "mobilenet_v1_add",
        "mobilenet_v1",
        FASTDEPTH,
        (
            ("IV", "MobileNet v1, skip add"),
            ("I", "Wofk et al (2019), unpruned"),
            ("II", "Inversed"),
        ),
    ),
    Entry("mobilenet_v2", "mobilenet_v2", NNCONV5, (("IV", "MobileNet v2"),)),
    Entry("mobilenet_v2_cat", "mobilenet_v2", MOBILENET_CAT, (("IV", "MobileNet v2, skip cat"),)),
    Entry("mobilenet_v3", "mobilenet_v3", NNCONV5, (("IV", "MobileNet v3"),)),
    Entry("mobilenet_v3_cat", "mobilenet_v3", MOBILENET_CAT, (("IV", "MobileNet v3, skip cat"),)),
    Entry("efficientnet_l0", "efficientnet_l0", NNCONV5, (("IV", "EfficientNet L0"),)),
    Entry(
        "efficientnet_l0_cat",
        "efficientnet_l0",
        LITE_CAT,
        (("IV", "EfficientNet L0, skip cat"),),
        open=LITE_TAPS,
    ),
    Entry("efficientnet_l1", "efficientnet_l1", NNCONV5, (("IV", "EfficientNet L1"),)),
    Entry(
        "efficientnet_l1_cat",
        "efficientnet_l1",
        LITE_CAT,
        (("IV", "EfficientNet L1, skip cat"),),
        open=LITE_TAPS,
    ),
    Entry("efficientnet_l2", "efficientnet_l2", NNCONV5, (("IV", "EfficientNet L2"),)),
    Entry(
        "efficientnet_l2_cat",
        "efficientnet_l2",
        LITE_CAT,
        (("IV", "EfficientNet L2, skip cat"),),
        open=LITE_TAPS,
    ),
    Entry("regnety_004", "regnety_004", NNCONV5, (("IV", "RegNetY 04"),)),
    Entry(
        "regnety_004_add",
        "regnety_004",
        _regnety("regnety_004"),
        (("IV", "RegNetY 04, skip add"),),
        open="the first block's width: 311 to 325 fit",
    ),
    Entry("regnety_006", "regnety_006", NNCONV5, (("IV", "RegNetY 06"),)),
    Entry(
        "regnety_006_add",
        "regnety_006",
        _regnety("regnety_006"),
        (("IV", "RegNetY 06, skip add"), ("V", "With BN")),
        open=WIDTH_006,
    ),
    Entry("regnety_008", "regnety_008", NNCONV5, (("IV", "RegNetY 08"),)),
    Entry(
        "regnety_008_add",
        "regnety_008",
        _regnety("regnety_008"),
        (("IV", "RegNetY 08, skip add"),),
        open="the first block's width: 511 to 514 fit",
    ),
    Entry(
        "regnety_008_cat",
        "regnety_008",
        _regnety("regnety_008", join="cat"),
        (("IV", "RegNetY 08, skip cat"),),
        open="the first block's width: 511 to 514 fit",
    ),
)

_DECODERS = (
    Entry(
        "ds",
        "regnety_006",
        DS,
        (
            ("IX", "DS (A)"),
            ("V", "Without BN"),
            ("VI", "NN"),
            ("VII", "Encoder-Decoder(2,3,4)"),
            ("VIII", "Pointwise"),
        ),
        open=WIDTH_006,
    ),
    Entry(
        "ds_bilinear",
        "regnety_006",
        replace(DS, interpolation="bilinear"),
        (("VI", "Bilinear"),),
        open=f"{WIDTH_006}; bilinear with half-pixel centres",
    ),
    Entry(
        "ds_skip5",
        "regnety_006",
        replace(DS, skips=(16, 8, 4, 2)),
        (("VII", "Encoder-Decoder(2,3,4,5)"),),
        open=WIDTH_006,
    ),
    Entry(
        "ds_skip5_image",
        "regnety_006",
        replace(DS, skips=(16, 8, 4, 2), image_skip=True),
        (("VII", "Encoder-Decoder(2,3,4,5) & Input-Output"),),
        open=f"{WIDTH_006}; the normalised image is concatenated before the output convolution",
    ),
    Entry(
        "ds_separable_output",
        "regnety_006",
        replace(DS, output="separable"),
        (("VIII", "Depthwise separate"),),
        open=f"{WIDTH_006}; the output's depthwise kernel is 5x5, with ReLU, as the blocks'",
    ),
    Entry("res_ds", "regnety_006", replace(DS, block="res_ds"), (("IX", "ResDS (B)"),), WIDTH_006),
    Entry(
        "dense_ds",
        "regnety_006",
        replace(DS, block="dense_ds"),
        (("IX", "DenseDS (C)"),),
        open=f"{WIDTH_006}; a ReLU before each layer",
    ),
    Entry(
        "inv_res",
        "regnety_006",
        replace(DS, block="inv_res"),
        (("IX", "InvRes (D)"),),
        open=f"{WIDTH_006}; convolutions have biases",
    ),
    Entry(
        FLAGSHIP,
        "regnety_006",
        replace(DS, block="split_shuffle"),
        (("IX", "SplitShuffle (E)"), ("X", "Without SE"), ("I", "This work")),
        open=f"{WIDTH_006}; the block's depthwise kernel is 3x3",
    ),
    Entry(
        "mobiledepth_se",
        "regnety_006",
        replace(DS, block="split_shuffle_se"),
        (("X", "With SE"),),
        open=f"{WIDTH_006}; squeeze-and-excite on the long branch and on the block, reduction 4",
    ),
)


def _baseline(
    name: str, row: str, depth_space: DepthSpace, open: str, fixed_size: bool = False
) -> Entry:
    rows = (("I", row),) if row else ()
    return Entry(name, "", None, rows, open, name, fixed_size, depth_space)


_BASELINES = (
    _baseline(
        "eigen",
        "Eigen and Fergus (2015)",
        "log",
        "its padding: 20.26 to 20.42 GMAC; the nearest to the printed 20.40 is used",
        fixed_size=True,
    ),
    _baseline(
        "fcrn",
        "Laina et al (2016)",
        "normal",
        "five up-projections fit the printed MACs; the original has four",
    ),
    _baseline(
        "dorn",
        "DORN (Fu et al 2018)",
        "log",
        "90 ordinal planes at 224x224 fit the printed MACs; the original has 68 at 257x353",
        fixed_size=True,
    ),
    _baseline(
        "fastdepth_pruned", "", "normal", "no row of the paper; widths of the released pruned model"
    ),
)

ENTRIES = _ENCODERS + _DECODERS + _BASELINES


def names() -> list[str]:
    """The names of all networks, in the order of the paper."""
    return [entry.name for entry in ENTRIES]


def get(name: str) -> Entry:
    """The entry called `name`; raises InputError with the nearest name when there is none."""
    for entry in ENTRIES:
        if entry.name == name:
            return entry
    advice = did_you_mean(name, names(), "`depthbench models` lists them")
    raise InputError(f"unknown network '{name}'", advice=advice)
