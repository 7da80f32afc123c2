"""Cards of public models by name, each as the code that was published with the model has it.

What a preset leaves out (the layout, which output is depth) is the file's to show.
"""

from __future__ import annotations

from depthnet.card.card import Card

IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
HALF = (0.5, 0.5, 0.5)

# An image of [0, 1] as OpenCV's INTER_CUBIC resizes it, and disparity up to scale and shift.
MIDAS = Card(
    channels="RGB",
    range=(0.0, 1.0),
    interpolation="bicubic",
    antialias=False,
    align_corners=False,
    meaning="disparity",
    scale=1.0,
    shift=0.0,
)

PRESETS = {
    # github.com/isl-org/MiDaS, hubconf.py: transforms().small_transform
    "midas-small": Card(
        mean=IMAGENET_MEAN, std=IMAGENET_STD, size=(256, 256), multiple=32, fit="upper_bound"
    ).over(MIDAS),
    # github.com/isl-org/MiDaS, hubconf.py: transforms().dpt_transform, of DPT-Hybrid and -Large
    "dpt": Card(mean=HALF, std=HALF, size=(384, 384), multiple=32, fit="minimal").over(MIDAS),
    # github.com/DepthAnything/Depth-Anything-V2, depth_anything_v2/dpt.py: image2tensor
    "depth-anything-v2": Card(
        mean=IMAGENET_MEAN, std=IMAGENET_STD, size=(518, 518), multiple=14, fit="lower_bound"
    ).over(MIDAS),
    # github.com/nianticlabs/monodepth2, test_simple.py, and layers.py: disp_to_depth from 0.1 to
    # 100; the encoder normalises by itself
    "monodepth2": Card(
        mean=(0.0, 0.0, 0.0),
        std=(1.0, 1.0, 1.0),
        size=(192, 640),
        multiple=32,
        fit="stretch",
        interpolation="lanczos",
        antialias=True,
        scale=1 / 0.1 - 1 / 100,
        shift=1 / 100,
    ).over(MIDAS),
    # github.com/isl-org/ZoeDepth, zoedepth/models/base_models/midas.py: PrepForMidas, as the
    # image processor of github.com/huggingface/transformers does it outside the network; without
    # the mirrored border that both can add
    "zoedepth": Card(
        mean=HALF,
        std=HALF,
        size=(384, 512),
        multiple=32,
        fit="minimal",
        interpolation="bilinear",
        align_corners=True,
        meaning="metres",
    ).over(MIDAS),
}
