"""The part of a package's folder that other languages and build systems use."""

from __future__ import annotations

import hashlib
from pathlib import Path

from compile.package.bindings import java_build, templates
from compile.package.bindings.android_archive import android_archive
from compile.package.bindings.maven_repository import maven_repository
from compile.package.bindings.zip_archive import jar
from compile.package.toolchain import Platform
from depthbench.files import write_whole


def check_tools(platform: Platform) -> None:
    """ToolMissing where the bindings for a platform cannot be made on this machine."""
    if platform.is_android:
        java_build.check_jdk()


def write_bindings(folder: Path, name: str, platform: Platform) -> None:
    """Write beside `folder`/lib what uses lib/lib`name`.so, `name`.weights included.

    CMake package, pkg-config file, Python module; for Android a Maven repository with the
    archive, else the Java sources. Raises ToolMissing where Android's needs a JDK.
    """
    sources = templates.java_sources(name)
    files = {
        path: text.encode()
        for path, text in {
            **templates.python_module(name),
            **templates.build_files(name, platform.name),
        }.items()
    }
    if platform.is_android:
        android = _android_repository(folder, name, sources)
        files |= {f"android/{path}": content for path, content in android.items()}
    else:
        files |= {f"java/{path}": text.encode() for path, text in sources.items()}
    for path, content in files.items():
        write_whole(folder / path, content)


def _android_repository(folder: Path, name: str, sources: dict[str, str]) -> dict[str, bytes]:
    library = folder / "lib" / f"lib{name}.so"
    weights = folder / "lib" / f"{name}.weights"
    archives = {
        ".aar": android_archive(
            name, library, java_build.classes(sources), weights if weights.exists() else None
        ),
        "-javadoc.jar": jar(java_build.documentation(sources, name)),
        "-sources.jar": jar({path: text.encode() for path, text in sources.items()}),
    }
    # Gradle takes a version for unchangeable: another library must be another version
    digest = hashlib.sha256(archives[".aar"]).hexdigest()[:8]
    version = f"{templates.API_VERSION}-{digest}"
    return maven_repository(name, version, f"The depth network {name} for Android", archives)
