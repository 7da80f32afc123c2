"""Compiles the RPC server for arm64."""

from __future__ import annotations

from pathlib import Path

from android_rpc.bundle import native_program
from android_rpc.bundle.native_program import NativeProgram
from android_rpc.bundle.tvm_wheels import header_folders

SOURCE = Path(__file__).parents[1] / "server"
# -rdynamic: the one function of clock.c
FLAGS = (*native_program.FLAGS, "-rdynamic", "-fvisibility=hidden")
LIBRARIES = ("-ldl",)


def build_id() -> str:
    """What the server tells its clients of its build: the first 16 digits of `source_digest`."""
    return source_digest()[:16]


def source_digest() -> str:
    """SHA-256 over the names and contents of the server's source files and the compiler's flags."""
    return _program().digest()


def compile_server(target: Path) -> None:
    """Compiles the server to the file `target`; warnings are errors.

    Raises ToolMissing, with the compiler's first error, when it cannot be compiled.
    """
    headers = [f"-I{folder}" for folder in header_folders()]
    _program().compile(target, more_flags=[*headers, f'-DRPC_SERVER_BUILD="{build_id()}"'])


def _program() -> NativeProgram:
    return NativeProgram("the server", (SOURCE, native_program.SHARED), LIBRARIES, FLAGS)
