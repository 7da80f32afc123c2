"""What a package is called in Java, in Python and as a Maven artefact."""

from __future__ import annotations

import keyword

GROUP = "depthbench"
"""Maven's group, and the Java package above that of each network."""

_PREFIX = "network_"
# The Java Language Specification, 3.9; those of Python are in `keyword`.
JAVA_WORDS = frozenset(
    (
        *("abstract", "assert", "boolean", "break", "byte", "case", "catch", "char", "class"),
        *("const", "continue", "default", "do", "double", "else", "enum", "extends", "final"),
        *("finally", "float", "for", "goto", "if", "implements", "import", "instanceof", "int"),
        *("interface", "long", "native", "new", "package", "private", "protected", "public"),
        *("return", "short", "static", "strictfp", "super", "switch", "synchronized", "this"),
        *("throw", "throws", "transient", "try", "void", "volatile", "while", "true", "false"),
        *("null"),
    )
)


def identifier(name: str) -> str:
    """A library's name as Java, Python and Android's manifest take it: its own where it can be.

    `name` holds ASCII letters, digits and `_`. Android wants a letter first. Different names stay
    different.
    """
    reserved = name in JAVA_WORDS or keyword.iskeyword(name) or name.startswith(_PREFIX)
    return f"{_PREFIX}{name}" if reserved or not name[0].isalpha() else name


def java_package(name: str) -> str:
    """The Java package of a library: one of its own, so that an app can hold several networks."""
    return f"{GROUP}.{identifier(name)}"


def jni_class(name: str) -> str:
    """The class that jni.c registers its functions with, as FindClass takes it."""
    return f"{java_package(name).replace('.', '/')}/Native"
