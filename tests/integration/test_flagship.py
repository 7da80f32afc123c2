"""The shipped flagship: its library is its weights and little more, on any number of threads."""

from __future__ import annotations

from pathlib import Path

from compile.pipeline import compile_model

MIB = 1 << 20


def test_library_is_the_weights_and_at_most_a_mebibyte(flagship: Path, tmp_path: Path) -> None:
    manifest = compile_model(flagship, "arm64-a76", tmp_path / "made").manifest
    memory, library = manifest["memory"], manifest["files"]["model.so"]["bytes"]
    assert memory["weights_bytes"] < library <= flagship.stat().st_size + MIB
    largest = 112 * 112 * 48 * 4  # after the first block's first convolution
    assert largest < memory["activations_bytes"] < 4 * largest


def test_it_computes_the_same_on_two_threads(flagship: Path, tmp_path: Path) -> None:
    manifest = compile_model(flagship, "host", tmp_path / "two", threads=2).manifest
    assert manifest["schedule"]["parallel_share"] > 0.99
    assert manifest["check"]["relative_difference"]["depth"] < 1e-5
