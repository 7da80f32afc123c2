"""A report as PDF: its page, all unfolded, as a browser prints it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from depthbench.errors import CheckFailed, ToolMissing
from depthbench.processes import run_program

BROWSERS = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
    *("chromium-headless-shell", "microsoft-edge", "chrome"),
)
MAC = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
PRINT_S = 120.0


def find_browser() -> str:
    """A browser of the Chromium family that prints without a screen; ToolMissing without one.

    $DEPTHBENCH_BROWSER, else one on the path, of macOS, or of an installed Playwright.
    """
    if asked := os.environ.get("DEPTHBENCH_BROWSER"):
        if found := shutil.which(asked):
            return found
        raise ToolMissing(
            f"{asked}: no such browser", advice="correct DEPTHBENCH_BROWSER, or unset it"
        )
    for found in _browsers():
        return found
    raise ToolMissing(
        "a PDF is printed by Chromium or Chrome, and neither is installed",
        advice="install one (Debian: apt-get install chromium-headless-shell), set "
        "DEPTHBENCH_BROWSER, or write .html and print that",
    )


def print_pdf(page: str) -> bytes:
    """The HTML `page` as PDF on A4.

    Raises ToolMissing without a browser, CheckFailed where it prints nothing.
    """
    browser = find_browser()
    with tempfile.TemporaryDirectory(prefix="depthbench-pdf-") as folder:
        source, target = Path(folder, "report.html"), Path(folder, "report.pdf")
        source.write_text(page, encoding="utf-8")
        command = [browser, "--headless", "--disable-gpu", "--no-pdf-header-footer"]
        command += [f"--user-data-dir={folder}/profile", f"--print-to-pdf={target}"]
        # A container's root may not make a sandbox; the page is our own, and has no script.
        command += ["--no-sandbox"] if os.geteuid() == 0 else []
        problem = f"{Path(browser).name} cannot print the report"
        run_program(
            [*command, source.as_uri()],
            problem,
            failure=CheckFailed,
            reason=lambda done: f"exit code {done.exit_code}",
            timeout_s=PRINT_S,
        )
        if not target.is_file():
            raise CheckFailed(f"{problem}: it wrote nothing", advice="set DEPTHBENCH_BROWSER")
        return target.read_bytes()


def _browsers() -> Iterator[str]:
    yield from filter(None, map(shutil.which, (*BROWSERS, *MAC)))
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        return
    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    if Path(path).is_file():
        yield path
