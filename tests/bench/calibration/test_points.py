"""Measured points as options and as a file; each fault is one line that says where."""

from __future__ import annotations

from pathlib import Path

import pytest

from bench.calibration.points import Point, gather_points, parse_points, read_points
from depthbench.errors import InputError


@pytest.fixture
def pictures(tmp_path: Path) -> list[Path]:
    found = [tmp_path / "a.jpg", tmp_path / "b:1=2.jpg"]
    for path in found:
        path.touch()
    return found


def test_points_are_told_by_option_and_by_file_alike(pictures: list[Path]) -> None:
    a, b = pictures
    told = parse_points(
        ["a.jpg:12,40.5=2.1", f"{b}:1,2,30,40=0.9m"],
        [f"{a}:0,0,10,20=width:0.8", "a.jpg:5,5,10,20=height:2"],
        pictures,
    )
    file = a.parent / "points.csv"
    file.write_text(
        "image, x, y, right, bottom, metres, width, height\n"
        "a.jpg, 12, 40.5, , , 2.1\n\n"
        "b:1=2.jpg, 1, 2, 30, 40, 0.9 m\n"
        "a.jpg, 0, 0, 10, 20, , 0.8,\n"
        "a.jpg, 5, 5, 10, 20, , , 2\n"
    )
    assert told == read_points(file, ()) == read_points(file, pictures)
    assert told == [
        Point(a, 12, 40.5, metres=2.1),
        Point(b, 1, 2, 30, 40, metres=0.9),
        Point(a, 0, 0, 10, 20, width=0.8),
        Point(a, 5, 5, 10, 20, height=2.0),
    ]
    fields = [
        {"image": str(a), "x": 12, "y": 40.5, "metres": 2.1},
        {"image": str(b), "x": 1, "y": 2, "right": 30, "bottom": 40, "metres": "0.9"},
        {"image": str(a), "x": 0, "y": 0, "right": 10, "bottom": 20, "width": 0.8},
        {"image": str(a), "x": 5, "y": 5, "right": 10, "bottom": 20, "height": 2, "metres": None},
    ]
    assert gather_points(fields) == gather_points(file) == told


def test_of_one_picture_it_need_not_be_named(pictures: list[Path]) -> None:
    assert parse_points(["1,2=3"], [], pictures[:1]) == [Point(pictures[0], 1, 2, metres=3)]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("1,2", "no measured point"),
        ("1,2=", "no measured point"),
        ("1=2", "no measured point"),
        ("1,2,3=4", "no measured point"),
        ("1,,=4", "no measured point"),
        ("1,2=two", "metres 'two' is no number"),
        ("x,2=2", "x 'x' is no number"),
        ("1,2=0", "0 m is no length"),
        ("1,2=-1", "-1 m is no length"),
        ("1,2=nan", "nan m is no length"),
        ("1,2=inf", "inf m is no length"),
        ("1,nan=2", "pixels are finite"),
        ("5,5,4,9=2", "ends before it begins"),
        ("c.jpg:1,2=3", "no picture c.jpg"),
    ],
)
def test_what_is_no_point_is_one_line(pictures: list[Path], text: str, says: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_points([text], [], pictures[:1])
    assert str(caught.value).startswith(f"--point {text}: ")
    assert says in str(caught.value)


def test_a_picture_that_is_not_there_has_advice_where_none_was_named() -> None:
    with pytest.raises(InputError) as caught:
        parse_points(["c.jpg:1,2=3"], [], [])
    assert str(caught.value).endswith("no picture c.jpg; give its path")


@pytest.mark.parametrize("text", ["1,2=width:3", "1,2,3,4=3", "1,2,3,4=depth:3", "1,2,3,4=width:"])
def test_what_is_no_object_is_one_line(pictures: list[Path], text: str) -> None:
    with pytest.raises(InputError, match=r"width:METRES"):
        parse_points([], [text], pictures[:1])


def test_of_several_pictures_one_must_be_named(pictures: list[Path], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="of which picture"):
        parse_points(["1,2=3"], [], pictures)
    other = tmp_path / "other" / "a.jpg"
    other.parent.mkdir()
    other.touch()
    with pytest.raises(InputError, match=r"2 pictures are called a.jpg"):
        parse_points(["a.jpg:1,2=3"], [], [*pictures, other])


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("", "empty"),
        ("image,x,y,metres\n", "no point in it"),
        ("image,x,y,meters\n", "did you mean 'metres'"),
        ("image,x,y,metres\na.jpg,1,2,3,4\n", "line 2: 5 values in 4 columns"),
        ("image,x,y,metres\n\na.jpg,1,,3\n", "line 3: no 'y'"),
        ("image,x,y,metres\na.jpg,1,2,\n", "line 2: 0 of metres, width and height"),
        ("image,x,y,right,bottom,metres,width\na.jpg,1,2,3,4,5,6\n", "2 of metres"),
        ("image,x,y,right,metres\na.jpg,1,2,3,4\n", "a box has a right and a bottom"),
        ("image,x,y,width\na.jpg,1,2,3\n", "a known object needs its box"),
        ("image,x,y,metres\nmissing.jpg,1,2,3\n", "no picture"),
        ('image,x,y,metres\n"a.jpg,1,2,3\n', "line"),
    ],
)
def test_what_is_wrong_in_a_file_is_one_line(pictures: list[Path], content: str, says: str) -> None:
    file = pictures[0].parent / "points.csv"
    file.write_text(content)
    with pytest.raises(InputError) as caught:
        read_points(file, ())
    assert str(caught.value).startswith(str(file))
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_that_is_no_text_or_not_there_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "points.csv").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not a CSV file"):
        read_points(tmp_path / "points.csv", ())
    with pytest.raises(InputError, match="no such file"):
        read_points(tmp_path / "none.csv", ())
