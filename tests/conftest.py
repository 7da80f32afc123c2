"""What every test may use."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings
from rich.console import Console
from rich.table import Table

if "PYTEST_XDIST_WORKER" in os.environ:
    # Workers share the cores. TVM would take the first number as well, and some tests are about
    # its threads.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    os.environ.setdefault("TVM_NUM_THREADS", str(len(os.sched_getaffinity(0))))

# The hub is never asked in tests: they must pass without a network, and say so by design.
os.environ["HF_HUB_OFFLINE"] = "1"

# A shell starts what it runs in the background with Ctrl-C ignored, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A shared machine can stall any example; and CI must not fail for an example nobody changed.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")

ROOT = Path(__file__).resolve().parent.parent
FAULT = "fault"
"""The name of the property that a test of the fault matrix leaves for the summary."""


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Tells what became of every fault, whichever worker ran it."""
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    rows = [row for one in reports for name, row in one.user_properties if name == FAULT]
    if rows:
        table = Table(*rows[0])
        for row in rows:
            table.add_row(*map(str, row.values()))
        console = Console(width=140)
        with console.capture() as drawn:
            console.print(table)
        terminalreporter.section("fault matrix")
        terminalreporter.write_line(drawn.get())


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets; skips where a machine has none."""
    folder = Path(os.environ.get("DEPTHBENCH_DATA", ROOT.parent / "shared"))
    if not (folder / "nyu").is_dir():
        pytest.skip(f"no real data at {folder} (set DEPTHBENCH_DATA)")
    return folder
