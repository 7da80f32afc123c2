from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from depthbench.errors import InputError
from depthnet.data import data_folder, open_dataset


def test_rooms_by_name_and_seed() -> None:
    assert open_dataset("rooms").name == "rooms"
    assert open_dataset("rooms:12", "train").name == "rooms:12"
    assert len(open_dataset("rooms")) == 654
    assert len(open_dataset("rooms", "train")) == 2000
    assert len(open_dataset("rooms", "train", limit=5000)) == 5000
    assert len(open_dataset("rooms", "test", limit=5000)) == 654


def test_nyu_comes_from_the_data_folder(nyu_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPTHBENCH_DATA", str(nyu_folder.parent))
    assert [pair.name for pair in iter_pairs("nyu")] == ["00000", "00002"]
    assert len(open_dataset("nyu", "train", limit=1)) == 1


def iter_pairs(spec: str) -> list:
    dataset = open_dataset(spec)
    return [dataset[index] for index in range(len(dataset))]


def test_the_data_folder_lies_beside_the_checkout_by_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("DEPTHBENCH_DATA", raising=False)
    checkout = Path(__file__).resolve().parents[3]
    assert data_folder() == checkout.parent / "shared"


def test_every_layout_opens_by_path(
    nyu_folder: Path, labelled: Path, densedepth: Path, eigen: Path
) -> None:
    names = [
        open_dataset(str(path)).name
        for path in (nyu_folder, labelled, labelled.parent, densedepth, densedepth / "data", eigen)
    ]
    assert names == [
        "nyu", "nyu-labeled", "nyu-labeled", "nyu-densedepth", "nyu-densedepth", "nyu-eigen",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("nyuv2", "no such name or path; did you mean 'nyu'"),
        ("Rooms", "did you mean 'rooms'"),
        ("romms", "did you mean 'rooms'"),
        ("kitti", "accepted: rooms, rooms:SEED, nyu, or a path"),
        ("", "accepted: rooms"),
        ("rooms:x", "the seed is a whole number"),
        ("/no/such/folder", "no such name or path"),
    ],
)
def test_unknown_names_are_refused_with_what_is_accepted(spec: str, says: str) -> None:
    with pytest.raises(InputError, match=says) as caught:
        open_dataset(spec)
    assert "\n" not in str(caught.value)


def test_a_missing_nyu_folder_says_how_to_name_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DEPTHBENCH_DATA", str(tmp_path))
    with pytest.raises(InputError, match="set DEPTHBENCH_DATA"):
        open_dataset("nyu")


@pytest.mark.parametrize("spec", ["rooms", "FOLDER"])
def test_an_unknown_split_names_the_nearest(spec: str, nyu_folder: Path) -> None:
    with pytest.raises(InputError, match="unknown split 'tset'; did you mean 'test'"):
        open_dataset(spec.replace("FOLDER", str(nyu_folder)), "tset")


def test_a_limit_below_one_is_refused() -> None:
    with pytest.raises(InputError, match="limit 0"):
        open_dataset("rooms", limit=0)


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not a layout of NYU"):
        open_dataset(str(tmp_path))


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(InputError, match="not a layout of NYU"):
        open_dataset(str(tmp_path / "notes.txt"))


def test_a_pair_beyond_the_end_ends_iteration(nyu_folder: Path) -> None:
    dataset = open_dataset(str(nyu_folder))
    with pytest.raises(IndexError):
        dataset[2]
    with pytest.raises(IndexError):
        open_dataset("rooms")[-1]


def test_importing_the_package_loads_no_reader() -> None:
    heavy = {"h5py", "torch", "PIL"}
    code = f"import sys, depthnet.data; print({heavy} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "set()"
