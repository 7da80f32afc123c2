"""Opens the demo's page: in the phone's browser, or in this machine's."""

from __future__ import annotations

import os
import webbrowser

from android_rpc.adb.client import Adb
from android_rpc.adb.discovery import find_phone
from android_rpc.demo import start_demo
from android_rpc.devices.adb_phone import KIND, parse_serial


def runs_on_a_phone(device: str) -> bool:
    """Whether the page is seen on the device itself."""
    return KIND.takes(device)


def open_page(device: str, url: str) -> bool:
    """Whether a browser was told to open `url`; DeviceError where the phone has none."""
    if runs_on_a_phone(device):
        start_demo.open_browser(Adb(find_phone(parse_serial(device)).serial), url)
        return True
    # Without a screen it would be a browser in the terminal, which runs no page like this.
    return bool({"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys()) and webbrowser.open(url)
