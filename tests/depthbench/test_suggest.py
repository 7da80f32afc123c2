"""A misspelt name is answered with the nearest known one."""

from __future__ import annotations

import pytest

from depthbench.suggest import did_you_mean

KNOWN = ("MNN", "ncnn", "onnxruntime")


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("onnxrutime", "did you mean 'onnxruntime'?"),
        ("mnn", "did you mean 'MNN'?"),
        ("Ncnn", "did you mean 'ncnn'?"),
        ("zebra", "choose one of MNN, ncnn, onnxruntime"),
        ("", "choose one of MNN, ncnn, onnxruntime"),
    ],
)
def test_the_nearest_name_or_all_of_them(name: str, advice: str) -> None:
    assert did_you_mean(name, KNOWN) == advice


def test_a_long_list_is_left_to_the_caller() -> None:
    assert did_you_mean("zebra", KNOWN, "see the list") == "see the list"
