"""Zip files that are the same bytes whenever they are made of the same content."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

# The earliest that the format can hold.
TIME = (1980, 1, 1, 0, 0, 0)
MODE = 0o100644 << 16


def zip_archive(files: Mapping[str, bytes]) -> bytes:
    """The files by their paths, in that order, compressed."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for path, data in files.items():
            entry = zipfile.ZipInfo(path, TIME)
            entry.external_attr = MODE
            entry.create_system = 3  # Unix, wherever it is made
            archive.writestr(entry, data, zipfile.ZIP_DEFLATED)
    return content.getvalue()


def jar(files: Mapping[str, bytes]) -> bytes:
    """A JAR file of the files, sorted, behind the manifest that it must begin with."""
    manifest = {"META-INF/MANIFEST.MF": b"Manifest-Version: 1.0\r\n\r\n"}
    return zip_archive({**manifest, **dict(sorted(files.items()))})
