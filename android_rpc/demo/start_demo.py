"""Starts the demo's server on a device, and ends it."""

from __future__ import annotations

import math
import os
import secrets
import shlex
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path, PurePosixPath

from android_rpc.bundle.bundle import build_bundle
from android_rpc.demo.demo_device import device_of, emulated_device, this_machine
from android_rpc.demo.demo_program import NAME, demo_program, host_demo_program
from android_rpc.demo.running_demo import RunningDemo, run_demo
from android_rpc.deployment.device_lock import DeviceLock, lock_device
from android_rpc.deployment.installation import install_bundle
from android_rpc.deployment.native_server import on_free_port
from android_rpc.devices.emulated import CPU_MODEL, EmulatedPhone, find_emulator
from android_rpc.devices.factory import open_device
from android_rpc.devices.native_device import NativeDevice
from android_rpc.transport import Transport
from depthbench.errors import DeviceError, InputError, RequestRefused
from depthbench.progress import Progress

HOST = "host"
PAGE = Path(__file__).parent / "page"


@contextmanager
def start_demo(
    device: str,
    libraries: Sequence[Path],
    *,
    page: Path = PAGE,
    browser_here: bool = False,
    cores: Sequence[int] | None = None,
    field_of_view: float | None = None,
    progress: Progress = lambda line: None,
) -> Iterator[RunningDemo]:
    """Runs the demo's server on a device for a block, with packages' `libraries` (libNAME.so).

    `device` is `host`, this machine with packages of its own, or a device with those for
    arm64-linux: see `device_forms`. A file NAME.weights beside a library goes with it. `cores` are
    those that compute, else the fastest. `field_of_view` is the camera's, horizontal, in degrees,
    by which networks that were calibrated at a focal length scale depth. The demo's `url` is for a
    browser on a phone, unless it is to run `browser_here`, and for one on this machine elsewhere.

    Raises what `open_device` raises, InputError for a device that others lend or a library of no
    such name, and DeviceError when the server does not come up.
    """
    _check_names(libraries)
    camera = _camera_options(field_of_view)
    with ExitStack() as stack:
        if device == HOST:
            yield stack.enter_context(_on_host(libraries, page, camera))
            return
        opened = open_device(device, progress=progress, cores=cores)
        if isinstance(opened, EmulatedPhone):
            yield stack.enter_context(_emulated(libraries, page, camera, progress))
        elif isinstance(opened, NativeDevice):
            here = browser_here or opened.transport.noun != "phone"
            running = _on_device(opened, libraries, page, here, cores, camera, progress)
            yield stack.enter_context(running)
        else:
            raise InputError(
                f"--device {device}: the demo runs on a device of one's own",
                advice="name a phone, a board, emulated or host",
            )


def open_browser(transport: Transport, url: str) -> None:
    """Opens a page in the phone's browser; DeviceError where it has none."""
    try:
        transport.shell(f"am start -a android.intent.action.VIEW -d {shlex.quote(url)}")
    except RequestRefused as error:
        raise DeviceError(
            f"{transport} opened no browser", advice=f"open {url} in a browser on it"
        ) from error


@contextmanager
def _on_host(libraries: Sequence[Path], page: Path, camera: Sequence[str]) -> Iterator[RunningDemo]:
    with _run_folder(libraries) as folder:
        command = [str(host_demo_program()), *_options(folder, page), *camera]
        command += this_machine().options()
        with run_demo(command, HOST) as demo:
            assert demo is not None, "the kernel chose the port"
            yield demo


@contextmanager
def _emulated(
    libraries: Sequence[Path], page: Path, camera: Sequence[str], progress: Progress
) -> Iterator[RunningDemo]:
    loader = build_bundle(progress=progress).loader()
    with _run_folder(libraries) as folder:
        command = [find_emulator(), "-cpu", CPU_MODEL, *loader, str(demo_program())]
        command += [*_options(folder, page), *camera, *emulated_device().options()]
        # nothing of the user's environment may reach the emulated program
        environment = {"PATH": os.environ.get("PATH", os.defpath)}
        with run_demo(command, EmulatedPhone.name, environment) as demo:
            assert demo is not None, "the kernel chose the port"
            yield demo


@contextmanager
def _on_device(
    device: NativeDevice,
    libraries: Sequence[Path],
    page: Path,
    browser_here: bool,
    cores: Sequence[int] | None,
    camera: Sequence[str],
    progress: Progress,
) -> Iterator[RunningDemo]:
    transport, model = device.transport, device.properties["model"]
    with ExitStack() as stack, transport.kept(model):
        stack.callback(transport.close)
        lock = stack.enter_context(lock_device(transport, progress))
        bundle, _ = install_bundle(lock, loader := build_bundle(progress=progress), progress)
        folder = stack.enter_context(lock.folder(transport.home / f"run-{secrets.token_hex(8)}"))
        _push(transport, libraries, page, folder, progress)
        words = [*loader.loader(bundle), f"{folder}/{NAME}", *_options(folder, folder / "page")]
        words += [*camera, *device_of(transport, model, cores).options()]

        def start(attempt: ExitStack, port: int) -> RunningDemo | None:
            return _start_there(attempt, lock, words, port, browser_here)

        yield stack.enter_context(on_free_port(device.name, start))


def _start_there(
    attempt: ExitStack, lock: DeviceLock, words: Sequence[str], port: int, browser_here: bool
) -> RunningDemo | None:
    here = attempt.enter_context(lock.forward(port)) if browser_here else port
    command = [*words, "--port", str(port), "--public-port", str(here)]
    script = f"exec {' '.join(map(shlex.quote, command))}"
    return attempt.enter_context(
        run_demo(lock.transport.command(script), lock.transport.name, port_here=here)
    )


def _options(folder: Path | PurePosixPath, page: Path | PurePosixPath) -> list[str]:
    words = ["--page", str(page), "--packages", str(folder / "packages")]
    return [*words, "--work", str(folder / "uploads")]


def _camera_options(field_of_view: float | None) -> list[str]:
    """The focal length by the width of a frame, where it is known."""
    if field_of_view is None:
        return []
    return ["--focal", f"{0.5 / math.tan(math.radians(field_of_view) / 2):.9g}"]


def _check_names(libraries: Sequence[Path]) -> None:
    for library in libraries:
        if not library.name.startswith("lib") or library.suffix != ".so":
            raise InputError(f"{library}: not a package's library", advice="name a libNAME.so")
        if not library.is_file():
            raise InputError(f"{library}: no such file", advice="name a package's libNAME.so")


def _files(libraries: Sequence[Path]) -> list[Path]:
    """The libraries and their files of weights."""
    weights = [library.with_name(f"{library.stem[3:]}.weights") for library in libraries]
    return [*libraries, *(file for file in weights if file.is_file())]


@contextmanager
def _run_folder(libraries: Sequence[Path]) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="depthbench-demo-") as name:
        (packages := Path(name) / "packages").mkdir()
        for file in _files(libraries):
            (packages / file.name).symlink_to(file.absolute())
        yield Path(name)


def _push(
    transport: Transport,
    libraries: Sequence[Path],
    page: Path,
    folder: PurePosixPath,
    progress: Progress,
) -> None:
    files = _files(libraries)
    size = sum(file.stat().st_size for file in files)
    progress(f"pushing {size / 1e6:.1f} MB of packages to {transport}")
    transport.shell(f"mkdir -p {folder}/page {folder}/packages")
    transport.push([demo_program()], str(folder))
    transport.push(sorted(file for file in page.iterdir() if file.is_file()), f"{folder}/page")
    transport.push(files, f"{folder}/packages")
