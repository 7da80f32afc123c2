"""Every profile: what `phone doctor` says of it, and whether a latency would be valid."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from android_rpc.telemetry.topology import format_core_list
from tests.devices.examination import Examination, examine, reached
from tests.devices.profile import profile_names

WIDTH = 180


def main() -> None:
    """Prints a row a profile."""
    table = Table("device", "cores", "computes on", "phone doctor", "rpc-measure", show_lines=True)
    for name in profile_names():
        with reached(name) as transport:
            table.add_row(*row(examine(transport)))
    Console(width=WIDTH).print(table)


def row(found: Examination) -> tuple[str, str, str, str, str]:
    """Device, clusters, chosen cores, what is not good, and the verdict."""
    checks = {check.name: check for check in found.checks}
    clusters = checks["A76 cores"].found.partition(";")[0].removeprefix("no A76 among ")
    warned = [f"{check.name}: {check.found}" for check in found.checks if check.verdict != "good"]
    measured = "; ".join(found.verdict.reasons) or "valid"
    if found.conditions["emulated"]:
        measured = "emulated cost, no latency"
    return (
        found.profile.device,
        clusters,
        format_core_list(found.conditions["cpus"]),
        "\n".join(warned) or "good",
        measured,
    )


if __name__ == "__main__":
    main()
