"""The Java Native Interface of a package's library, compiled for one network."""

from __future__ import annotations

from pathlib import Path

from compile.package.bindings.naming import jni_class
from compile.package.toolchain import Platform, compile_source

SOURCE = Path(__file__).parent / "jni" / "jni.c"


def compile_jni(name: str, platform: Platform, folder: Path) -> Path:
    """The object file in `folder` that lets the Java classes of the library `name` call it.

    It adds JNI_OnLoad to what the library shows, and nothing to what it needs: a second library
    beside it would have to be found, and in a process with two networks to find the right one.
    Raises ToolMissing with the compiler's first error.
    """
    definitions = [f'JAVA_CLASS="{jni_class(name)}"']
    return compile_source(SOURCE, platform, folder / "jni.o", definitions)
