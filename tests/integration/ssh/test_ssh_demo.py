"""The demo on a board behind a real sshd, seen in a browser of this machine."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from android_rpc.bundle.native_program import ARM64_TRIPLE
from android_rpc.demo.start_demo import start_demo
from tests.integration.demo_server.conftest import build_stand_in
from tests.integration.demo_server.peer import Browser, Map, ask, browse, frame
from tests.integration.ssh.conftest import BoardDouble, ssh_left


def test_a_demo_over_ssh(
    board: BoardDouble, tmp_path: Path, wait_until: Callable[..., float]
) -> None:
    library = build_stand_in(tmp_path / "libquick.so", ARM64_TRIPLE)

    async def visit(browser: Browser) -> None:
        await browser.load("quick")
        await browser.show(frame(1, 640, 480))
        while not isinstance(await browser.hear(), Map):
            continue

    with start_demo(board.device, [library]) as demo:
        assert ask(demo.url, "")[0] == 200
        browse(demo.url, visit)
    wait_until(lambda: board.running() == [], 60)
    assert ssh_left(board) == []
    assert board.files() == []
    assert board.listeners() == []
