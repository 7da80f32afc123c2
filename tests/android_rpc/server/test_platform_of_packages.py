"""A package's library, which shares no code with the server, judges what runs it as that does."""

from __future__ import annotations

import ctypes
import platform
import signal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from depthbench.processes import run_program
from tests.compile.package.frame_library import SOURCES

from .test_platform import A76, AARCH64, X86_64, Signs
from .test_server_parsers import FAST

RULES = Path(__file__).parents[2] / "compile" / "package" / "platform_rules.c"
QEMU_HZ = 62_500_000
# The server is always an arm64 program; the library here is one of this machine.
OWN, OTHER = (AARCH64, X86_64) if platform.machine() == "aarch64" else (X86_64, AARCH64)
WORDS = 6


class PackageSigns(ctypes.Structure):
    """`platform_signs` of the package's platform.h."""

    _fields_ = (
        ("machine", ctypes.c_int32),
        ("other_program", ctypes.c_bool),
        ("foreign_cpuinfo", ctypes.c_bool),
        ("midr", ctypes.c_uint32),
        ("counter_hz", ctypes.c_uint64),
        ("virtual_machine", ctypes.c_bool),
    )


@pytest.fixture(scope="module")
def package_library(
    host_compiler: tuple[str, ...], tmp_path_factory: pytest.TempPathFactory
) -> ctypes.CDLL:
    made = tmp_path_factory.mktemp("package") / "rules.so"
    command = [*host_compiler, "-shared", "-fPIC", f"-I{SOURCES}", str(RULES)]
    run_program([*command, str(SOURCES / "kernel_file.c"), "-o", str(made)], "it does not compile")
    library = ctypes.CDLL(str(made))
    library.platform_sign.restype = library.platform_name.restype = ctypes.c_char_p
    return library


@FAST
@given(
    machines=st.sampled_from([(0, 0), (OWN, AARCH64), (OTHER, X86_64), (40, 40)]),
    other_program=st.booleans(),
    foreign_cpuinfo=st.booleans(),
    midr=st.sampled_from([0, A76, 0x000F0510]) | st.integers(0, 0xFFFFFFFF),
    # Not 0, which is a missing counter on arm64 alone.
    counter_hz=st.sampled_from([19_200_000, QEMU_HZ]) | st.integers(1, 2**64 - 1),
    virtual_machine=st.booleans(),
)
def test_the_same_signs_have_the_same_meaning(
    server_library: ctypes.CDLL,
    package_library: ctypes.CDLL,
    machines: tuple[int, int],
    **signs: int,
) -> None:
    ours = PackageSigns(machine=machines[0], **signs)
    servers = Signs(machine=machines[1], **signs)
    text = ctypes.create_string_buffer(128)
    server_library.platform_name.restype = ctypes.c_char_p
    judged = server_library.judge_platform(ctypes.byref(servers))
    server_library.format_signs(ctypes.byref(servers), text, ctypes.c_size_t(len(text)))
    found = package_library.platform_judge(ctypes.byref(ours))
    seen = [package_library.platform_sign(ctypes.byref(ours), place) for place in range(WORDS)]
    assert package_library.platform_name(found) == server_library.platform_name(judged)
    assert b",".join(filter(None, seen)) == text.value
    assert package_library.platform_sign(ctypes.byref(ours), WORDS) == b""


NAMES = """linux,dummy-virt
linux,kvm
xen,xen-4.17
qemu,pseries
QEMU
KVM
Amazon EC2
VMware, Inc.
VMW71
Google Compute Engine
Apple Virtualization Generic Platform
Hyper-V
Virtual Machine
VirtualBox
innotek GmbH
Parallels
OpenStack
KubeVirt
Xen
BHYVE
google,flame
raspberrypi,5-model-b""".splitlines()
PIECES = st.sampled_from([*NAMES, "\0", "\n", ",", "x", " "])


@FAST
@given(st.lists(PIECES, max_size=8).map(lambda pieces: "".join(pieces).encode()))
def test_the_same_names_are_virtual_machines(
    server_library: ctypes.CDLL, package_library: ctypes.CDLL, names: bytes
) -> None:
    size = ctypes.c_size_t(len(names))
    ours = package_library.names_virtual_machine_in_package(names, size)
    assert ours == server_library.names_virtual_machine(names, size)


def test_signals_of_the_program_do_not_end_the_look_at_it(package_library: ctypes.CDLL) -> None:
    package_library.platform_look.restype = PackageSigns
    came: list[int] = []
    before = signal.signal(signal.SIGALRM, lambda number, frame: came.append(number))
    signal.setitimer(signal.ITIMER_REAL, 1e-4, 1e-4)
    try:
        machines = {package_library.platform_look().machine for _ in range(50)}
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert came
    assert machines == {OWN}
