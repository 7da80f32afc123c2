"""What the fault matrix works with: a model that misbehaves when told to, commands, one phone."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from android_rpc.bundle.tvm_wheels import header_folders
from compile.artefact import LIBRARY, Artefact, finish
from compile.pipeline import compile_model
from depthbench.files import cache_folder
from tests.integration.adb.conftest import PhoneDouble
from tests.integration.adb.faults.command_line import Commands

HERE = Path(__file__).parent
ROOT = HERE.parents[3]
ARM64 = "aarch64-linux-gnu.2.31"
LARGE = 64 << 20  # bytes of the model's large tensor


def zig(*words: object) -> None:
    cache = str(cache_folder() / "zig")
    command = [sys.executable, "-m", "ziglang", "cc", "-O2", "-fPIC", "-fno-sanitize=all"]
    subprocess.run(
        [*command, *map(str, words)],
        check=True,
        env={**os.environ, "ZIG_GLOBAL_CACHE_DIR": cache, "ZIG_LOCAL_CACHE_DIR": cache},
    )


@pytest.fixture(scope="session")
def host_clock(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of eight bytes: the seconds by which the wall clock of commands is ahead."""
    file = tmp_path_factory.mktemp("clock") / "shift"
    file.write_bytes(bytes(8))
    return file


@pytest.fixture(scope="session")
def commands(
    adb_server: None, host_clock: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Commands]:
    library = tmp_path_factory.mktemp("clock") / "clock.so"
    native = f"{platform.machine()}-linux-gnu.2.31"
    zig("-target", native, "-shared", "-o", library, HERE / "clock.c")
    environment = {"LD_PRELOAD": str(library), "CLOCK_SHIFT": str(host_clock)}
    environment |= {"PYTHONPATH": str(ROOT), "HF_HUB_OFFLINE": "1"}
    commands = Commands(environment)
    yield commands
    commands.close()


@pytest.fixture(scope="module")
def artefact(model: Path) -> Path:
    return make_faulty(model)


def make_faulty(model: Path) -> Path:
    """The model compiled as `depthbench compile` does, then its code replaced by `kernel.c`."""
    made = compile_model(model, "arm64-a76", model.parent / "tiny-arm64-a76")
    folder = model.parent / "faulty-arm64-a76"
    shutil.copytree(made.folder, folder)
    build_library(folder / LIBRARY)
    manifest = {key: made.manifest[key] for key in made.manifest if key not in ("schema", "files")}
    return Artefact(folder, finish(folder, manifest)).folder


def build_library(library: Path) -> None:
    import tvm
    from tvm import relax

    code = library.with_name("kernel.o")
    includes = [f"-I{folder}" for folder in header_folders()]
    zig("-target", ARM64, "-c", *includes, "-o", code, HERE / "kernel.c")
    small = relax.TensorType((1, 1, 32, 32), "float32")
    large = relax.TensorType((LARGE // 4,), "float32")
    builder = relax.BlockBuilder()
    image = relax.Var("image", relax.TensorType((1, 3, 32, 32), "float32"))
    with builder.function("main", [image]):
        with builder.dataflow():
            value = builder.emit(relax.op.nn.relu(image))  # images are positive: nothing happens
            value = builder.emit(relax.op.call_dps_packed("depth", (value,), out_ty=small))
            value = builder.emit(relax.op.call_dps_packed("copy", (value,), out_ty=large))
            value = relax.op.call_dps_packed("copy", (value,), out_ty=small)
            value = builder.emit_output(value)
        builder.emit_func_output(value)
    target = {"kind": "llvm", "mtriple": "aarch64-linux-gnu", "mcpu": "cortex-a76", "num-cores": 1}
    executable = tvm.compile(builder.get(), target=tvm.target.Target(target))

    def link(output: str, objects: list[str], **_: object) -> None:
        words = [sys.executable, "-m", "ziglang", "ld.lld", "-shared", "-nostdlib"]
        words += ["-z", "max-page-size=65536", "-z", "noexecstack", "-o", str(output)]
        subprocess.run([*words, *map(str, objects), str(code)], check=True)

    executable.export_library(str(library), fcompile=link)
    code.unlink()


@pytest.fixture(scope="module")
def phone(
    make_shared_phone: Callable[..., PhoneDouble], tmp_path_factory: pytest.TempPathFactory
) -> PhoneDouble:
    """One phone for all rows, whose wall clock can be set."""
    phone = make_shared_phone("--data-mib", "96")
    library = tmp_path_factory.mktemp("clock") / "clock.so"
    zig("-target", ARM64, "-shared", "-o", library, HERE / "clock.c")
    shutil.copy(library, phone.root / "system/clock.so")
    (phone.root / "system/clock_shift").write_bytes(bytes(8))
    environment = "LD_PRELOAD=/system/clock.so\nCLOCK_SHIFT=/system/clock_shift\n"
    (phone.root / "system/environment").write_text(environment)
    return phone
