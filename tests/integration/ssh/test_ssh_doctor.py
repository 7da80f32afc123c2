"""The doctor on a board behind a real sshd."""

from __future__ import annotations

from collections.abc import Callable

from android_rpc.doctor.doctor import checks_of, examine, is_fit
from android_rpc.doctor.finding import Outcome, Verdict
from tests.integration.ssh.conftest import BoardDouble, ssh_left


def test_a_board(board: BoardDouble, wait_until: Callable[..., float]) -> None:
    checks = {check.name: check for check in examine(board.device)}
    assert list(checks) == list(checks_of(board.device))
    assert is_fit(list(checks.values()))
    assert checks["reached"].outcome is Outcome.BOARD_READY
    assert "depthbench Test Board, Test Linux 12 (bookworm)" in checks["reached"].found
    assert checks["server"].verdict is Verdict.GOOD
    assert {checks[name].outcome for name in ("screen", "battery saver")} == {Outcome.BOARD}
    wait_until(lambda: board.running() == [], 60)
    assert ssh_left(board) == []
    assert board.files() == []


def test_a_board_that_is_not_there() -> None:
    first, *others = examine("ssh:nobody@127.0.0.1:9")
    assert (first.name, first.verdict) == ("reached", Verdict.FAILED)
    assert first.found
    assert first.advice
    assert {check.verdict for check in others} == {Verdict.NOT_REACHED}
