"""The part of the Java Native Interface that is declared by hand, beside a JDK's own header."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

HERE = Path(__file__).parent
OURS = HERE.parents[3] / "compile/package/bindings/jni/java_interface.h"


def jdk_headers() -> Path:
    javac = shutil.which("javac")
    assert javac is not None, "make setup-dev installs a JDK"
    return Path(javac).resolve().parents[1] / "include"


def test_every_function_lies_where_the_jdk_has_it(tmp_path: Path) -> None:
    functions = re.findall(r"\(\*(\w+)\)\(JNIEnv", OURS.read_text())
    assert len(functions) > 15
    (tmp_path / "places.h").write_text("".join(f"PLACE({name})\n" for name in functions))
    headers = jdk_headers()
    printed = []
    for header, functions_table, machine in (
        (headers / "jni.h", "JNINativeInterface_", "JNIInvokeInterface_"),
        (OURS, "java_functions", "java_machine"),
    ):
        program = tmp_path / functions_table
        definitions = [f'-DHEADER="{header}"', f"-DFUNCTIONS={functions_table}"]
        definitions += [f"-DMACHINE={machine}", f"-I{headers / 'linux'}", f"-I{tmp_path}"]
        source = str(HERE / "jni_places.c")
        subprocess.run(["cc", *definitions, source, "-o", str(program)], check=True)
        printed.append(subprocess.run([program], check=True, capture_output=True).stdout)
    assert printed[0] == printed[1]
