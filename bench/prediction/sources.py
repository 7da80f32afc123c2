"""What a user names to be predicted: pictures, folders of them, videos, cameras."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal

from bench.prediction.output_folder import OutputFolder
from depthbench.errors import InputError

CAMERA = re.compile(r"camera(?::(\d{1,3}))?")
VIDEOS = (
    *(".mp4", ".m4v", ".mov", ".mkv", ".webm", ".avi", ".mpg", ".mpeg", ".ts", ".mts", ".m2ts"),
    *(".3gp", ".ogv", ".wmv", ".flv"),
)


@dataclass(frozen=True)
class Source:
    """One picture, video or camera: as it was named, and the file, or the camera's number.

    `opened`: when the camera was (ISO 8601).
    """

    name: str
    kind: Literal["picture", "video", "camera"]
    path: Path = Path()
    number: int = 0
    opened: str = ""

    @property
    def stem(self) -> str:
        """What its files are called after."""
        return f"camera-{self.number}" if self.kind == "camera" else self.path.stem

    @property
    def identity(self) -> str:
        """What tells it from all others; what a camera sees is another thing each time."""
        if self.kind == "camera":
            return f"{self.name} from {self.opened}"
        return str(self.path.resolve())


@dataclass(frozen=True)
class Found:
    """The sources in order, each once, and how many files of folders are no pictures."""

    sources: Sequence[Source]
    skipped: int


def find_sources(names: Sequence[str], output: OutputFolder) -> Found:
    """What the names stand for: `camera:0`, a picture, a video, a folder's pictures.

    Files are videos by their ending. Of a folder what lies right in it is taken, except earlier
    predictions. Raises InputError for what is not there and for a folder without a picture.
    """
    found: dict[str, Source] = {}
    skipped = 0
    for name in names:
        sources = [_named(name)]
        if Path(name).is_dir():
            sources, others = _in_folder(Path(name), output)
            skipped += others
        found |= {source.identity: source for source in sources}
    return Found(list(found.values()), skipped)


def _named(name: str) -> Source:
    if not name:
        raise InputError("an input's name is empty", advice="name a picture, folder or video")
    path = Path(name)
    if match := CAMERA.fullmatch(name):
        number = int(match[1] or 0)
        now = datetime.now(UTC).isoformat()
        return Source(f"camera:{number}", "camera", number=number, opened=now)
    if name.startswith("camera:") and not path.exists():
        raise InputError(f"{name}: no camera", advice="cameras are camera:0, camera:1, ...")
    if not path.exists():
        raise InputError(f"{name}: no such file or folder")
    return Source(name, "video" if path.suffix.lower() in VIDEOS else "picture", path)


def _in_folder(folder: Path, output: OutputFolder) -> tuple[list[Source], int]:
    from depthnet.data.photo import is_picture

    files = sorted(path for path in folder.iterdir() if path.is_file() and not output.holds(path))
    pictures = [path for path in files if is_picture(path)]
    if not pictures:
        raise InputError(
            f"{folder}: no pictures in it", advice="videos and folders in it are named one by one"
        )
    return [Source(str(path), "picture", path) for path in pictures], len(files) - len(pictures)
