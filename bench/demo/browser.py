"""Opens the demo's page: in the phone's browser, or in this machine's."""

from __future__ import annotations

import os
import webbrowser

from android_rpc.demo.running_demo import RunningDemo
from depthbench.errors import DeviceError


def open_page(demo: RunningDemo) -> str:
    """Why no browser was told to open the page; empty where one was."""
    if demo.open_page:
        try:
            demo.open_page()
        except DeviceError as error:
            return str(error)
        return ""
    # Without a screen it would be a browser in the terminal, which runs no page like this.
    if {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys() and webbrowser.open(demo.url):
        return ""
    return "this machine has no browser to open; give that address to one"
