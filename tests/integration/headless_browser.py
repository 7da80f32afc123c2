"""Chromium without a window, as it is installed."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterator

from playwright.sync_api import Browser, Playwright

BROWSERS = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")


@contextlib.contextmanager
def run_browser(playwright: Playwright, *flags: str) -> Iterator[Browser]:
    """Headless Chromium; `make setup-dev` installs one where there is none."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    assert found, f"no browser: install one of {', '.join(BROWSERS)}"
    # A container's root may not make a sandbox; the page is our own.
    chromium = playwright.chromium.launch(
        executable_path=found, chromium_sandbox=False, args=list(flags)
    )
    yield chromium
    chromium.close()
