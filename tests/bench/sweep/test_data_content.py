"""A data set is known by what is in it, also where its times say that nothing happened."""

from __future__ import annotations

import io
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from bench.sweep import data_content
from bench.sweep.data_content import Data, content_of, whole_name
from bench.sweep.plan.checks import check_plan
from bench.sweep.plan.plan import read_plan
from depthbench.errors import InputError


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DEPTHBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A pair for testing and one for training, in the layout of a folder."""
    folder = tmp_path / "pairs"
    for number in range(2):
        for kind, shape, ending in (("rgb", (48, 64, 3), "jpg"), ("depth8", (48, 64), "png")):
            (folder / kind).mkdir(parents=True, exist_ok=True)
            levels = np.full(shape, 40 + number, np.uint8)
            Image.fromarray(levels).save(folder / kind / f"{number:05d}.{ending}")
    (folder / "split.csv").write_text("index0,split\n0,test\n1,train\n")
    return folder


def test_only_what_is_in_it_counts(data: Path, tmp_path: Path) -> None:
    before = content_of(str(data))
    assert content_of(str(data)) == before
    data.rename(tmp_path / "moved")
    moved = tmp_path / "moved"
    assert content_of(str(moved)) == before
    (tmp_path / "link").symlink_to(moved)
    assert content_of(str(tmp_path / "link")) == before
    image = moved / "rgb/00000.jpg"
    image.write_bytes(image.read_bytes()[::-1])
    changed = content_of(str(moved))
    assert changed != before
    image.rename(moved / "rgb/00002.jpg")
    assert content_of(str(moved)) not in (before, changed)


def test_the_files_of_linked_folders_count_and_a_loop_ends(data: Path, tmp_path: Path) -> None:
    (data / "rgb").rename(tmp_path / "elsewhere")
    (data / "rgb").symlink_to(tmp_path / "elsewhere")
    (data / "depth8/loop").symlink_to(data)
    before = content_of(str(data))
    (tmp_path / "elsewhere/00000.jpg").write_bytes(b"other")
    assert content_of(str(data)) != before


def test_a_file_is_read_again_when_one_of_its_times_or_its_size_has_changed(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read: list[str] = []

    def digest(file: io.BufferedReader, name: str) -> Any:
        read.append(os.path.basename(file.name))
        return real(file, name)

    real = data_content.hashlib.file_digest
    monkeypatch.setattr(data_content.hashlib, "file_digest", digest)
    monkeypatch.setattr(data_content, "SETTLED_NS", -1)
    content_of(str(data))
    assert len(read) == 5
    content_of(str(data))
    assert len(read) == 5
    image = data / "rgb/00001.jpg"
    times = image.stat()
    image.write_bytes(image.read_bytes()[::-1])
    os.utime(image, ns=(times.st_atime_ns, times.st_mtime_ns))  # its change time tells
    content_of(str(data))
    assert read[5:] == ["00001.jpg"]


def test_what_was_changed_just_now_is_not_taken_from_memory(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time_ns()
    monkeypatch.setattr(data_content.time, "time_ns", lambda: now)
    before = content_of(str(data))
    image = data / "rgb/00001.jpg"
    known = image.stat()
    image.write_bytes(image.read_bytes()[::-1])
    monkeypatch.setattr(data_content.os, "fstat", lambda descriptor: known)
    assert content_of(str(data)) != before


def test_a_rendered_data_set_has_no_files() -> None:
    assert content_of("rooms") is content_of("rooms:7") is None
    Data("rooms", None).check()


def test_a_machine_with_other_files_says_so(data: Path) -> None:
    here = Data(str(data), content_of(str(data)))
    here.check()
    (data / "split.csv").write_text("index0,split\n0,train\n1,test\n")
    with pytest.raises(InputError, match="not the files that it had when the sweep began"):
        here.check()
    with pytest.raises(InputError, match="not the files"):
        Data("/nowhere/pairs", here.content).check()


def test_a_path_is_looked_for_beside_the_plan_and_an_options_where_it_runs(
    data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = data.parent / "plan.toml"
    plan.write_text('models = ["mobiledepth"]\nscore.data = "pairs"\n')
    (tmp_path / "away").mkdir()
    monkeypatch.chdir(tmp_path / "away")
    read, faults = read_plan(plan, {}, {})
    assert read is not None
    checked = check_plan(read, plan.parent, faults)
    assert not faults.found
    assert checked.data == Data(str(data), content_of(str(data)))
    assert checked.images == 1
    given: Any = {"score": {"data": "pairs"}}
    read, faults = read_plan(plan, given, {"score.data": "--data"})
    assert read is not None
    check_plan(read, plan.parent, faults)
    assert [line.partition(":")[0] for line in faults.found] == ["--data"]
    assert whole_name("nyu", plan.parent) == "nyu"
