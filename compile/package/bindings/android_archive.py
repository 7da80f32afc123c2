"""An Android archive (AAR): Java classes and native library in one file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from compile.package.bindings.naming import java_package
from compile.package.bindings.zip_archive import jar, zip_archive

ABI = "arm64-v8a"
MIN_SDK = 21
"""The first Android with 64-bit processes."""

_MANIFEST = """\
<?xml version="1.0" encoding="utf-8"?>
<manifest xmlns:android="http://schemas.android.com/apk/res/android" package="{package}">
  <uses-sdk android:minSdkVersion="{sdk}" />
</manifest>
"""
# The library looks its class up by name.
_PROGUARD = "-keep class {package}.Native {{ native <methods>; }}\n"


def android_archive(
    name: str, library: Path, classes: Mapping[str, bytes], weights: Path | None
) -> bytes:
    """The AAR of a library; `weights` become an asset of the app, which copies them to a file.

    Layout: "Anatomy of an AAR file" of Android's developer documentation.
    """
    package = java_package(name)
    files = {
        "AndroidManifest.xml": _MANIFEST.format(package=package, sdk=MIN_SDK).encode(),
        "classes.jar": jar(classes),
        f"jni/{ABI}/{library.name}": library.read_bytes(),
        "R.txt": b"",
        "proguard.txt": _PROGUARD.format(package=package).encode(),
    }
    if weights is not None:
        files[f"assets/{weights.name}"] = weights.read_bytes()
    return zip_archive(files)
