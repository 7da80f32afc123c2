"""Write a file whole or not at all."""

from __future__ import annotations

from pathlib import Path

from boltons.fileutils import atomic_save


def write_whole(path: Path, content: bytes) -> None:
    """Write beside `path` and move into place; what was there stays until then.

    A part left by a killed writer is overwritten, and none is left by a full disk. Raises
    OSError.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(path.name + ".part")
    try:
        with atomic_save(str(path), part_file=part.name, overwrite_part=True) as file:
            file.write(content)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
