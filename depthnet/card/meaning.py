"""What a model's output can mean."""

from __future__ import annotations

from typing import Literal

Meaning = Literal["metres", "inverse-metres", "disparity", "relative"]
MEANINGS = {
    "metres": "depth in metres",
    "inverse-metres": "1 / depth, in 1 / metres",
    "disparity": "1 / depth, up to scale and shift",
    "relative": "depth, up to scale and shift",
}
METRIC = ("metres", "inverse-metres")
