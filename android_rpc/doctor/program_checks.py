"""Checks that the bundle starts on the phone, and that a session with its server runs."""

from __future__ import annotations

from android_rpc.bundle.bundle import build_bundle
from android_rpc.deployment.device_lock import lock_device
from android_rpc.deployment.installation import install_bundle
from android_rpc.devices.adb_phone import AdbPhone
from android_rpc.doctor.finding import Finding, Outcome, failed, good, warning
from android_rpc.doctor.visit import Visit
from android_rpc.session import open_session
from depthbench.errors import DeviceError, StorageFull
from depthbench.one_line import one_line

SESSION_S = 60.0


def check_loader(visit: Visit) -> Finding:
    """Can the bundle be pushed, and do its loader and server start?"""
    bundle = build_bundle(progress=visit.progress)
    try:
        with lock_device(visit.transport, visit.progress) as lock:
            folder, pushed = install_bundle(lock, bundle, visit.progress)
    except StorageFull as error:
        return failed(Outcome.STORAGE_FULL, stops=True, error=error.message)
    except DeviceError as error:
        return failed(Outcome.BUNDLE_NOT_PUSHED, stops=True, error=one_line(error))
    try:
        version = visit.transport.shell(f"{bundle.command(folder)[0]} --version").splitlines()[0]
    except (DeviceError, IndexError) as error:
        return failed(Outcome.PROGRAMS_FORBIDDEN, stops=True, error=one_line(error))
    outcome = Outcome.BUNDLE_PUSHED if pushed else Outcome.BUNDLE_THERE
    return good(outcome, version=version, megabytes=bundle.size / 1e6)


def check_server(visit: Visit) -> Finding:
    """Does a session run, and on the cores that it was given?"""
    try:
        device = visit.opened or AdbPhone(visit.transport.serial, progress=visit.progress)
        with device.reach() as endpoint, open_session(*endpoint, timeout_s=SESSION_S) as session:
            cores = session.affinity()
    except DeviceError as error:
        return failed(Outcome.SESSION_FAILED, error=one_line(error))
    if cores != visit.cores:
        return warning(Outcome.OTHER_CORES, cores=cores, chosen=visit.cores)
    return good(Outcome.SESSION_RAN, cores=cores)
