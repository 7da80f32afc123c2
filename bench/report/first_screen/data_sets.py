"""What a score on a data set means."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bench.paper.printed_tables import TEST_IMAGES
from depthbench.plural import counted

ROOMS = "rooms"


def is_nyu(score: Mapping[str, Any]) -> bool:
    """Whether it was scored on NYU Depth v2, in whichever layout."""
    return str(score["data"]).startswith("nyu")


def data_name(score: Mapping[str, Any]) -> str:
    """The data set by the name that people know it by."""
    if score["data"] == ROOMS:
        return "rendered rooms"
    return "NYU Depth v2" if is_nyu(score) else str(score["data"])


def data_in_words(score: Mapping[str, Any]) -> str:
    """The data set, and how much of it was scored."""
    share = _share_of_nyu(score) if is_nyu(score) else _images(score)
    return f"{data_name(score)}, {share}"


def meaning(score: Mapping[str, Any]) -> str:
    """What a reader must know to judge the score, as a sentence; empty where there is nothing."""
    if score["data"] == ROOMS:
        return "The δ1 is of rendered rooms, and no figure for photographs such as NYU's."
    if is_nyu(score) and score["split"] == "test" and score["images"] < TEST_IMAGES:
        return "The δ1 is of a sample of NYU."
    if is_nyu(score) and score["split"] != "test":
        return f"The δ1 is of NYU's {score['split']} split, not of its test images."
    return ""


def _images(score: Mapping[str, Any]) -> str:
    return counted(score["images"], f"{score['split']} image")


def _share_of_nyu(score: Mapping[str, Any]) -> str:
    if score["split"] != "test":
        return _images(score)
    if score["images"] == TEST_IMAGES:
        return f"all {TEST_IMAGES} test images"
    return f"{score['images']} of {TEST_IMAGES} test images"
