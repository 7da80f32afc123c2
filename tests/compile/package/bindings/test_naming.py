"""What packages are called elsewhere, and archives that are the same whenever they are made."""

from __future__ import annotations

import io
import keyword
import re
import zipfile
from pathlib import Path

from hypothesis import example, given
from hypothesis import strategies as st

from compile.package.bindings import templates
from compile.package.bindings.naming import JAVA_WORDS, identifier, java_package, jni_class
from compile.package.bindings.zip_archive import jar

NAMES = st.from_regex(r"\A[A-Za-z0-9_]{1,12}\Z") | st.sampled_from(sorted(JAVA_WORDS))
HEADER = Path(__file__).parents[4] / "compile/package/library/depth.h"


@given(NAMES)
def test_every_library_has_a_java_package_and_a_python_module(name: str) -> None:
    found = identifier(name)
    assert re.fullmatch(r"[A-Za-z][A-Za-z0-9_]*", found)
    assert found not in JAVA_WORDS
    assert not keyword.iskeyword(found)
    assert found.endswith(name)


@given(st.sets(NAMES, min_size=2, max_size=2))
@example({"class", "network_class"})
@example({"3d", "network_3d"})
def test_two_libraries_never_share_classes(names: set[str]) -> None:
    assert len({java_package(name) for name in names}) == 2


def test_the_classes_name_their_library_and_package() -> None:
    sources = templates.java_sources("class")
    assert java_package("class") == "depthbench.network_class"
    assert jni_class("class") == "depthbench/network_class/Native"
    for path, text in sources.items():
        assert path.startswith("depthbench/network_class/")
        assert text.startswith("package depthbench.network_class;\n")
    text = sources["depthbench/network_class/Native.java"]
    assert 'System.loadLibrary("class")' in text


def test_nothing_of_a_template_is_left() -> None:
    for text in templates.build_files("mobiledepth", "arm64-linux").values():
        assert not re.search(r"@\w+@", text)
        assert "mobiledepth" in text or "PACKAGE_VERSION" in text


def test_the_version_is_that_of_the_header() -> None:
    assert f"#define DEPTH_API_VERSION {templates.API_VERSION}\n" in HEADER.read_text()


@given(st.dictionaries(st.sampled_from("abc"), st.binary(max_size=99)))
def test_an_archive_is_the_same_whenever_it_is_made(files: dict[str, bytes]) -> None:
    made = jar(files)
    assert made == jar(dict(reversed(files.items())))
    archive = zipfile.ZipFile(io.BytesIO(made))
    assert archive.namelist()[0] == "META-INF/MANIFEST.MF"
    assert {name: archive.read(name) for name in files} == files
    assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}
