"""Opens the demo's page: in the phone's browser, or in this machine's."""

from __future__ import annotations

import os
import webbrowser

from android_rpc.adb.client import Adb
from android_rpc.adb.discovery import find_phone
from android_rpc.demo.start_demo import open_browser
from android_rpc.devices.adb_phone import KIND, parse_serial
from depthbench.errors import DeviceError


def runs_on_a_phone(device: str) -> bool:
    """Whether the page of a demo there is seen on the device itself."""
    return KIND.takes(device)


def open_page(device: str, url: str) -> str:
    """Why no browser was told to open `url`; empty where one was."""
    if runs_on_a_phone(device):
        try:
            open_browser(Adb(find_phone(parse_serial(device)).serial), url)
        except DeviceError as error:
            return str(error)
        return ""
    # Without a screen it would be a browser in the terminal, which runs no page like this.
    if {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys() and webbrowser.open(url):
        return ""
    return "this machine has no browser to open; give that address to one"
