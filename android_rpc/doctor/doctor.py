"""Examines whether a phone or board is fit to be measured, and says what to do where it is not.

Checks in an order in which each needs those before it: the first that fails in a way that the
others cannot do without ends them, and they are reported as not reached.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from android_rpc.devices.factory import find_kind
from android_rpc.doctor import connection_checks, cpu_checks, program_checks, state_checks
from android_rpc.doctor.finding import Finding, Outcome, Verdict, failed
from android_rpc.doctor.visit import Visit
from android_rpc.doctor.wording import Check, report
from depthbench.errors import DeviceError, InputError, ToolMissing
from depthbench.one_line import one_line
from depthbench.progress import Progress

Checks = Mapping[str, Callable[[Visit], Finding]]

OF_PHONES: Checks = {
    "adb": connection_checks.check_adb,
    "authorised": connection_checks.check_phone,
    "arm64": connection_checks.check_arm64,
}
EXAMINED = ("adb", "ssh", "local")
OF_BOARDS: Checks = {"reached": connection_checks.check_board}
OF_BOTH: Checks = {
    "page size": connection_checks.check_page_size,
    "loader": program_checks.check_loader,
    "server": program_checks.check_server,
    "A76 cores": cpu_checks.check_cores,
    "governor": cpu_checks.check_governor,
    "frequency": cpu_checks.check_clocks,
    "temperature": state_checks.check_temperature,
    "free space": state_checks.check_space,
    "screen": state_checks.check_screen,
    "battery saver": state_checks.check_saver,
    "charging": state_checks.check_power,
}


def checks_of(device: str) -> Checks:
    """The checks of such a device, by name and in order.

    Raises InputError for a specification of what is neither a phone nor a board.
    """
    kind = find_kind(device).name
    if kind not in EXAMINED:
        raise InputError(
            f"{device!r}: only phones and boards are examined",
            advice="name one with --device adb:SERIAL, ssh:USER@HOST or local",
        )
    return {**(OF_PHONES if kind == "adb" else OF_BOARDS), **OF_BOTH}


def examine(device: str = "adb", progress: Progress = lambda line: None) -> list[Check]:
    """All checks, in order, of the device that this specification names.

    Never raises for what is wrong with the device: that is what the checks say. Raises InputError
    as `checks_of` does.
    """
    visit = Visit(device, progress)
    try:
        return _examine(visit, progress)
    finally:
        if visit.reached is not None:
            visit.reached.close()


def _examine(visit: Visit, progress: Progress) -> list[Check]:
    checks: list[Check] = []
    stopped = False
    for name, check in checks_of(visit.device).items():
        finding = Finding(Verdict.NOT_REACHED, Outcome.NOT_REACHED)
        if not stopped:
            progress(f"checking: {name}")
            finding = _find(check, visit)
            stopped = finding.stops
        checks.append(report(name, finding))
    return checks


def is_fit(checks: list[Check]) -> bool:
    """Whether no check failed; warnings do not keep a phone from being measured."""
    return all(check.verdict in (Verdict.GOOD, Verdict.WARNING) for check in checks)


def _find(check: Callable[[Visit], Finding], visit: Visit) -> Finding:
    try:
        return check(visit)
    except ToolMissing as error:
        facts = {"error": error.message, "advice": error.advice}
        return failed(Outcome.TOOL_MISSING, stops=True, **facts)
    except (DeviceError, InputError) as error:
        lost = visit.lost
        advice = "see that it is there and up, and run again" if lost else "run again"
        return failed(Outcome.DEVICE_FAILED, stops=lost, error=one_line(error), advice=advice)
