"""What every test may use."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from hypothesis import settings

# The hub is never asked in tests: they must pass without a network, and say so by design.
os.environ["HF_HUB_OFFLINE"] = "1"

# A shell starts what it runs in the background with Ctrl-C ignored, and children inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)

# A shared machine can stall any example; and CI must not fail for an example nobody changed.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data sets; skips where a machine has none."""
    folder = Path(os.environ.get("DEPTHBENCH_DATA", ROOT.parent / "shared"))
    if not (folder / "nyu").is_dir():
        pytest.skip(f"no real data at {folder} (set DEPTHBENCH_DATA)")
    return folder
