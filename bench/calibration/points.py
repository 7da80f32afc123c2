"""Measured distances: where in which picture, by a tape or by the size of a known object."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from depthbench.errors import InputError
from depthbench.plural import counted
from depthbench.suggest import did_you_mean

COLUMNS = ("image", "x", "y", "right", "bottom", "metres", "width", "height")
POINT = "write [IMAGE:]X,Y=METRES or [IMAGE:]X,Y,RIGHT,BOTTOM=METRES"
OBJECT = "write [IMAGE:]X,Y,RIGHT,BOTTOM=width:METRES, or height:"
LARGEST = 1 << 20


@dataclass(frozen=True)
class Point:
    """What was measured at a pixel (`right` and `bottom` are None) or in a box of a picture.

    Pixels are of the upright picture, the centre of the first at 0, 0; a box reaches from the
    centre of its first pixel to that of its last. Either `metres`, the distance, is known, or the
    `width` or `height` of the object that fills the box, in metres. `where` says who told it.
    """

    picture: Path
    x: float
    y: float
    right: float | None = None
    bottom: float | None = None
    metres: float | None = None
    width: float | None = None
    height: float | None = None
    where: str = field(default="", compare=False)

    def __post_init__(self) -> None:
        numbers = (self.x, self.y, self.right, self.bottom)
        if not all(math.isfinite(number) for number in numbers if number is not None):
            raise InputError(f"{self.where}: pixels are finite numbers")
        if (self.right is None) != (self.bottom is None):
            raise InputError(f"{self.where}: a box has a right and a bottom", advice="give both")
        if self.right is not None and not (self.right > self.x and (self.bottom or 0) > self.y):
            raise InputError(f"{self.where}: the box ends before it begins")
        sizes = (self.metres, self.width, self.height)
        known = [size for size in sizes if size is not None]
        if len(known) != 1:
            raise InputError(
                f"{self.where}: {len(known)} of metres, width and height are said",
                advice="give the distance in metres, or one size of a known object",
            )
        if not (math.isfinite(known[0]) and known[0] > 0):
            raise InputError(
                f"{self.where}: {known[0]:g} m is no length", advice="give finite metres above 0"
            )
        if self.metres is None and self.right is None:
            raise InputError(f"{self.where}: a known object needs its box", advice=OBJECT)

    @property
    def of_object(self) -> bool:
        """Whether an object's size is known, and not its distance."""
        return self.metres is None

    def __str__(self) -> str:
        place = f"{self.x:g},{self.y:g}"
        if self.right is not None:
            place += f",{self.right:g},{self.bottom:g}"
        return f"{self.picture.name}:{place}"


def parse_points(
    texts: Iterable[str], objects: Iterable[str], pictures: Sequence[Path]
) -> list[Point]:
    """The points of `--point` and `--object`; raises InputError for what is none."""
    found = [_of_text(text, "--point", pictures) for text in texts]
    return found + [_of_text(text, "--object", pictures) for text in objects]


def check_pictures(pictures: Sequence[Path], points: Sequence[Point]) -> None:
    """Raise InputError for a picture that is named and has no point."""
    measured = {point.picture for point in points}
    for picture in pictures:
        if points and picture not in measured:
            raise InputError(f"{picture}: no point of it was measured", advice="leave it out")


def gather_points(points: str | Path | Sequence[Mapping[str, Any]]) -> list[Point]:
    """The points of a CSV file, or of mappings with its columns; raises InputError."""
    if isinstance(points, str | Path):
        return read_points(Path(points), ())
    return [of_fields(one, f"point {number}") for number, one in enumerate(points, 1)]


def read_points(file: Path, pictures: Sequence[Path]) -> list[Point]:
    """The points of a CSV file with a header, of `COLUMNS`, those that are needed.

    Pictures that are not among `pictures` are named as seen from the file's folder. Raises
    InputError, with the line, for what is no such file.
    """
    if not file.is_file():
        raise InputError(f"{file}: no such file", advice="give a .csv file of measured points")
    if file.stat().st_size > LARGEST:
        raise InputError(f"{file}: larger than 1 MiB: not a file of points")
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        raise InputError(f"{file}: not a CSV file: it is no text") from error
    reader = csv.reader(lines, skipinitialspace=True)
    try:
        rows = [(reader.line_num, row) for row in reader if any(cell.strip() for cell in row)]
    except csv.Error as error:
        raise InputError(f"{file}, line {reader.line_num}: {error}") from error
    if not rows:
        raise InputError(f"{file}: empty", advice=f"its first line names {', '.join(COLUMNS)}")
    (_, header), *data = rows
    names = [name.strip() for name in header]
    for name in names:
        if name not in COLUMNS:
            raise InputError(
                f"{file}, line 1: no column {name!r}",
                advice=did_you_mean(name, COLUMNS, f"columns are {', '.join(COLUMNS)}"),
            )
    found = []
    for number, cells in data:
        where = f"{file}, line {number}"
        if len(cells) > len(names):
            raise InputError(
                f"{where}: {counted(len(cells), 'value')} in {counted(len(names), 'column')}"
            )
        row = {name: cell.strip() for name, cell in zip(names, cells, strict=False)}
        found.append(of_fields(row, where, pictures, file.parent))
    if not found:
        raise InputError(f"{file}: no point in it")
    return found


def of_fields(
    fields: Mapping[str, Any],
    where: str,
    pictures: Sequence[Path] = (),
    folder: Path = Path(),
) -> Point:
    """A point of fields named as `COLUMNS`, numbers or text; empty ones are not said.

    Raises InputError, which begins with `where`.
    """
    for name in fields:
        if name not in COLUMNS:
            raise InputError(
                f"{where}: a point has no {name!r}",
                advice=did_you_mean(name, COLUMNS, f"it has {', '.join(COLUMNS)}"),
            )
    said = {name: value for name, value in fields.items() if value not in (None, "")}
    named = said.pop("image", "")
    for name in ("x", "y"):
        if name not in said:
            raise InputError(f"{where}: no {name!r}", advice="give the pixel that was measured")
    numbers = {name: _number(value, name, where) for name, value in said.items()}
    return Point(_picture(str(named), where, pictures, folder), where=where, **numbers)


def _of_text(text: str, option: str, pictures: Sequence[Path]) -> Point:
    where = f"{option} {text}"
    grammar = OBJECT if option == "--object" else POINT
    place, equals, size = text.rpartition("=")
    named, _, pixels = place.rpartition(":")
    values = pixels.split(",")
    counts = (4,) if option == "--object" else (2, 4)
    if not equals or len(values) not in counts:
        raise InputError(f"{where}: no measured point", advice=grammar)
    kind = "metres"
    if option == "--object":
        kind, _, size = size.partition(":")
        if kind not in ("width", "height"):
            raise InputError(f"{where}: no known object", advice=grammar)
    fields = {**dict(zip(COLUMNS[1:], values, strict=False)), kind: size, "image": named}
    if "" in (*values, size):
        raise InputError(f"{where}: no measured point", advice=grammar)
    return of_fields(fields, where, pictures)


def _number(value: Any, name: str, where: str) -> float:
    text = value.strip() if isinstance(value, str) else value
    if isinstance(text, str) and name in ("metres", "width", "height"):
        text = text.removesuffix("m").rstrip()
    try:
        return float(text)
    except (TypeError, ValueError):
        raise InputError(f"{where}: {name} {value!r} is no number") from None


def _picture(named: str, where: str, pictures: Sequence[Path], folder: Path) -> Path:
    if not named:
        if len(pictures) == 1:
            return pictures[0]
        raise InputError(f"{where}: of which picture?", advice="name it before the point")
    if Path(named) in pictures:
        return Path(named)
    alike = [path for path in pictures if path.name == named]
    if len(alike) > 1:
        raise InputError(f"{where}: {len(alike)} pictures are called {named}", advice="give a path")
    path = alike[0] if alike else folder / named
    if not path.is_file():
        raise InputError(
            f"{where}: no picture {path}",
            advice=did_you_mean(named, [one.name for one in pictures], "give its path"),
        )
    return path
