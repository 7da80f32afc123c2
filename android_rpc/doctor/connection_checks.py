"""Checks of adb, of the phone that it finds, and of what that phone can run."""

from __future__ import annotations

import re

from android_rpc.adb.client import Adb, find_adb, run_adb
from android_rpc.adb.discovery import find_phone
from android_rpc.devices.adb_phone import parse_serial
from android_rpc.devices.factory import open_device
from android_rpc.devices.native_device import NativeDevice
from android_rpc.doctor.finding import Finding, Outcome, failed, good, warning
from android_rpc.doctor.visit import Visit
from android_rpc.telemetry import sysfs
from depthbench.errors import DeviceError, InputError, ToolMissing

ARM64 = ("aarch64", "arm64")
# The bundle's segments are aligned to 64 KB.
PAGE_KB = (4, 16, 64)


def check_adb(visit: Visit) -> Finding:
    """Is adb installed?"""
    try:
        program = find_adb()
    except ToolMissing:
        return failed(Outcome.ADB_MISSING, stops=True)
    version = re.search(r"Version (\S+)", run_adb("version"))
    return good(Outcome.ADB_FOUND, program=program, version=version[1] if version else "unknown")


def check_phone(visit: Visit) -> Finding:
    """Is the phone there, and does it let this machine in? Then the visit has reached it."""
    try:
        visit.reached = Adb(find_phone(parse_serial(visit.device)).serial)
    except (DeviceError, InputError) as error:
        facts = {"error": error.message, "advice": error.advice}
        return failed(Outcome.PHONE_NOT_READY, stops=True, **facts)
    told = sysfs.read_properties(visit.transport)
    emulated = told["emulated"] == "yes"
    outcome = Outcome.EMULATOR_READY if emulated else Outcome.PHONE_READY
    return good(outcome, serial=visit.transport.serial, **told)


def check_board(visit: Visit) -> Finding:
    """Is the board there, of arm64, and does it let this user in? Then it is opened."""
    try:
        device = open_device(visit.device, progress=visit.progress)
    except (DeviceError, InputError) as error:
        facts = {"error": error.message, "advice": error.advice}
        return failed(Outcome.PHONE_NOT_READY, stops=True, **facts)
    assert isinstance(device, NativeDevice)
    visit.opened, visit.reached = device, device.transport
    return good(Outcome.BOARD_READY, device=device.name, **device.properties)


def check_arm64(visit: Visit) -> Finding:
    """Is its kernel for 64-bit ARM? A 32-bit Android on it runs the bundle just as well."""
    machine = visit.transport.shell("uname -m").strip()
    facts = {"machine": machine, "abi": sysfs.read_properties(visit.transport)["abi"]}
    if machine in ARM64:
        return good(Outcome.ARM64, **facts)
    return failed(Outcome.NOT_ARM64, stops=True, **facts)


def check_page_size(visit: Visit) -> Finding:
    """Are the kernel's pages of a size that the bundle was linked for?"""
    match = re.search(r"KernelPageSize:\s+(\d+) kB", visit.transport.shell("cat /proc/self/smaps"))
    if match is None:
        return warning(Outcome.PAGE_SIZE_UNKNOWN)
    kb = int(match[1])
    if kb in PAGE_KB:
        return good(Outcome.PAGE_SIZE_FITS, kb=kb)
    return failed(Outcome.PAGE_SIZE_TOO_LARGE, kb=kb)
