"""How the server's C code tells what it runs on, from what kernels and emulators show."""

from __future__ import annotations

import ctypes
import struct
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from android_rpc.bundle.arm64_libraries import find_libraries

from .test_server_parsers import FAST

CPU_SETSIZE = 1024
AARCH64, X86_64 = 183, 62
A76, A55 = 0x414FD0B1, 0x412FD050


class Signs(ctypes.Structure):
    _fields_ = (
        ("machine", ctypes.c_int),
        ("other_program", ctypes.c_int),
        ("foreign_cpuinfo", ctypes.c_int),
        ("midr", ctypes.c_uint32),
        ("counter_hz", ctypes.c_uint64),
        ("virtual_machine", ctypes.c_int),
    )


def describe_core(number: int, midr: int) -> str:
    """What an arm64 kernel prints (arch/arm64/kernel/cpuinfo.c)."""
    return (
        f"processor\t: {number}\nBogoMIPS\t: 38.40\nFeatures\t: fp asimd evtstrm\n"
        f"CPU implementer\t: 0x{midr >> 24:02x}\nCPU architecture: 8\n"
        f"CPU variant\t: 0x{midr >> 20 & 0xF:x}\nCPU part\t: 0x{midr >> 4 & 0xFFF:03x}\n"
        f"CPU revision\t: {midr & 0xF}\n\n"
    )


def cores_in(library: ctypes.CDLL, text: str) -> dict[int, int]:
    cpus = (ctypes.c_uint32 * (2 * CPU_SETSIZE))()
    library.parse_cpuinfo.restype = ctypes.c_size_t
    count = library.parse_cpuinfo(text.encode(), cpus)
    return {cpus[2 * i]: cpus[2 * i + 1] for i in range(count)}


# Bits 16 to 19 say "see the ID registers" on every arm64 core.
MIDRS = st.integers(0, 0xFFFFFFFF).map(lambda bits: bits | 0xF0000)


@FAST
@given(st.dictionaries(st.integers(0, CPU_SETSIZE - 1), MIDRS, max_size=12))
def test_the_cores_that_the_kernel_names(
    server_library: ctypes.CDLL, cores: dict[int, int]
) -> None:
    text = "".join(describe_core(number, midr) for number, midr in cores.items())
    assert (
        cores_in(server_library, f"{text}Hardware\t: Qualcomm Technologies, Inc SM8150\n") == cores
    )


@pytest.mark.parametrize(
    ("text", "cores"),
    [
        ("", {}),
        ("processor\t: 0\nvendor_id\t: GenuineIntel\ncpu family\t: 6\nmodel\t\t: 85\n", {}),
        ("processor : 0\nCPU implementer : 0x41\nCPU part : 0xd0b\n", {}),  # no revision
        (describe_core(0, A76).replace("0xd0b", "0xfd0b"), {}),
        (describe_core(0, A76).replace("0xd0b", "garbage"), {}),
        (describe_core(-1, A76), {}),
        (describe_core(CPU_SETSIZE, A76), {}),
        (describe_core(7, A76).rstrip("\n"), {7: A76}),
        # kernels before 3.19 tell once, at the end, what the cores are
        ("processor\t: 0\nprocessor\t: 1\n" + describe_core(1, A55).split("\n", 1)[1], {1: A55}),
    ],
)
def test_other_cpuinfo(server_library: ctypes.CDLL, text: str, cores: dict[int, int]) -> None:
    assert cores_in(server_library, text) == cores


@FAST
@given(st.binary(max_size=300).filter(lambda text: b"\0" not in text))
def test_no_other_text_names_a_core(server_library: ctypes.CDLL, text: bytes) -> None:
    assert cores_in(server_library, text.decode("latin-1")) == {}


def test_formatted_cores(server_library: ctypes.CDLL) -> None:
    cpus = struct.pack("=iIiI", 0, A55, 4, A76)
    text = ctypes.create_string_buffer(64)
    assert server_library.format_cpus(cpus, ctypes.c_size_t(2), text, ctypes.c_size_t(64)) == 21
    assert text.value == b"0:412fd050,4:414fd0b1"
    assert server_library.format_cpus(cpus, ctypes.c_size_t(2), text, ctypes.c_size_t(21)) == -1


def machine_of(library: ctypes.CDLL, head: bytes) -> int:
    return int(library.elf_machine(head, ctypes.c_size_t(len(head))))


def test_the_machine_of_real_programs(server_library: ctypes.CDLL) -> None:
    here = Path(sys.executable).read_bytes()[:64]
    assert machine_of(server_library, here) == struct.unpack_from("<H", here, 18)[0]
    for library in find_libraries():
        assert machine_of(server_library, library.file.read_bytes()[:64]) == AARCH64


@pytest.mark.parametrize(
    "head", [b"", b"\x7fELF", b"#!/bin/sh\n" * 3, b"\x7fELF\x01\x01" + bytes(58)]
)
def test_what_is_no_program_has_no_machine(server_library: ctypes.CDLL, head: bytes) -> None:
    assert machine_of(server_library, head) == 0


@pytest.mark.parametrize(
    ("names", "virtual"),
    [
        (b"linux,dummy-virt\0", True),
        (b"qemu,pseries\0", True),
        (b"linux,kvm\0", True),
        (b"xen,xen-4.17\0xen,xen\0", True),
        (b"QEMU\n", True),
        (b"Amazon EC2\n", True),
        (b"Apple Virtualization Generic Platform\n", True),
        (b"raspberrypi,5-model-b\0brcm,bcm2712\0", False),
        (b"google,flame\0qcom,sm8150\0", False),
        (b"qcom,gunyah-hypervisor-1.0\0simple-bus\0", False),  # below Android, on the phone itself
        (b"acme,board\0linux,dummy-virt\0", True),
        (b"acme,linux,dummy-virt\0", False),
        (b"", False),
    ],
)
def test_names_of_virtual_machines(
    server_library: ctypes.CDLL, names: bytes, virtual: bool
) -> None:
    assert server_library.names_virtual_machine(names, ctypes.c_size_t(len(names))) == virtual


PHONE = {"machine": AARCH64, "midr": A76, "counter_hz": 19_200_000}


@pytest.mark.parametrize(
    ("signs", "platform", "words"),
    [
        (PHONE, "hardware", ""),
        ({**PHONE, "virtual_machine": 1}, "virtual machine", "firmware"),
        ({**PHONE, "machine": X86_64}, "emulator", "machine"),
        ({**PHONE, "other_program": 1}, "emulator", "program"),
        ({**PHONE, "foreign_cpuinfo": 1}, "emulator", "cpuinfo"),
        ({**PHONE, "midr": 0x000F0510}, "emulator", "midr"),
        ({**PHONE, "counter_hz": 62_500_000}, "emulator", "counter"),
        ({**PHONE, "counter_hz": 62_500_000, "virtual_machine": 1}, "emulator", "counter,firmware"),
        ({**PHONE, "midr": 0}, "hardware", ""),
        ({**PHONE, "machine": 0}, "unknown", ""),
        ({**PHONE, "counter_hz": 0}, "unknown", ""),
        ({**PHONE, "machine": 0, "virtual_machine": 1}, "unknown", "firmware"),
        ({}, "unknown", ""),
        (
            {**PHONE, "machine": X86_64, "other_program": 1, "foreign_cpuinfo": 1},
            "emulator",
            "machine,program,cpuinfo",
        ),
    ],
)
def test_the_platform(
    server_library: ctypes.CDLL, signs: dict[str, int], platform: str, words: str
) -> None:
    seen, text = Signs(**signs), ctypes.create_string_buffer(128)
    server_library.platform_name.restype = ctypes.c_char_p
    judged = server_library.judge_platform(ctypes.byref(seen))
    assert server_library.platform_name(judged).decode() == platform
    server_library.format_signs(ctypes.byref(seen), text, ctypes.c_size_t(len(text)))
    assert text.value.decode() == words
