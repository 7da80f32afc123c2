"""A page in a browser, with all that it complained of, asked for, sent, and was answered."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from playwright.sync_api import Page, WebSocket, expect

from depthnet.card.image_input import to_input

FRAME, MAP = 0x4D524644, 0x50414D44
FRAME_HEAD, MAP_HEAD = struct.Struct("<IIHHHH"), struct.Struct("<IIHHff")
PATIENCE_MS = 30_000
NUMBER = re.compile(r"^\d+(\.\d+)?$")


@dataclass
class SeenPage:
    """The demo in a browser's tab."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    frames: dict[int, NDArray[np.uint8]] = field(default_factory=dict)
    """Height x width x RGBA, by number."""
    maps: dict[int, NDArray[np.float32]] = field(default_factory=dict)

    def hear(self) -> None:
        """Listens to the page from now on."""
        self.page.set_default_timeout(PATIENCE_MS)
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.asked.append(request.url))
        self.page.on("websocket", self._follow)

    def button(self, name: str) -> None:
        """Presses a button, once it can be pressed."""
        self.page.get_by_role("button", name=name, exact=True).click()

    def says(self, words: str) -> None:
        """Waits until the page's one sentence holds these words."""
        expect(self.page.locator("#sentence")).to_contain_text(words, timeout=PATIENCE_MS)

    def reads(self, name: str) -> float:
        """The figure of a reading, once it is there."""
        figure = self.page.locator(f"#{name}")
        expect(figure).to_have_text(NUMBER, timeout=PATIENCE_MS)
        return float(figure.inner_text())

    def at_once(self, *names: str) -> list[float]:
        """The figures of readings at one moment, which the next frame changes together."""
        shown = "names => names.map(name => document.getElementById(name).textContent)"
        return [float(figure) for figure in self.page.evaluate(shown, list(names))]

    def elsewhere(self, url: str) -> list[str]:
        """What was asked of others than the server of `url`."""
        return [one for one in self.asked if urlsplit(one).netloc != urlsplit(url).netloc]

    def _follow(self, socket: WebSocket) -> None:
        self.asked.append(socket.url)
        socket.on("framesent", self._sent)
        socket.on("framereceived", self._received)

    def _sent(self, data: str | bytes) -> None:
        if isinstance(data, bytes):
            kind, number, width, height, _, _ = FRAME_HEAD.unpack_from(data)
            assert kind == FRAME
            pixels = np.frombuffer(data, np.uint8, offset=FRAME_HEAD.size)
            self.frames[number] = pixels.reshape(height, width, 4)

    def _received(self, data: str | bytes) -> None:
        if isinstance(data, bytes):
            kind, number, width, height, _, _ = MAP_HEAD.unpack_from(data)
            assert kind == MAP
            values = np.frombuffer(data, np.float32, offset=MAP_HEAD.size)
            self.maps[number] = values.reshape(height, width)


def compare_maps(seen: SeenPage, model: Path) -> None:
    """Every map is what ONNX Runtime gives for the frame of its number."""
    session = onnxruntime.InferenceSession(model)
    (port,) = session.get_inputs()
    assert seen.maps
    for number, depth in seen.maps.items():
        image = to_input(seen.frames[number][..., :3], (port.shape[2], port.shape[3]))
        wanted = session.run(None, {port.name: image})[0][0, 0]
        assert wanted.std() > 0.01
        np.testing.assert_allclose(depth, wanted, rtol=0, atol=1e-4 * np.abs(wanted).max())
