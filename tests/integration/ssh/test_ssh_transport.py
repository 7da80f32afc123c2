"""A board behind a real sshd: how it is reached, and what is said when it is not."""

from __future__ import annotations

import contextlib
import os
import platform
import shlex
import shutil
import stat
import subprocess
from pathlib import Path

import pytest

from android_rpc.bundle.bundle import Bundle
from android_rpc.deployment.device_lock import lock_device
from android_rpc.deployment.installation import install_bundle
from android_rpc.devices.factory import open_device
from android_rpc.ssh.ssh_host import SshHost
from depthbench.errors import DeviceError, InputError, RequestRefused, StorageFull
from tests.integration.ssh.conftest import HOME, BoardDouble, reach, ssh_left

ODD = """it's "odd": \\n \\ ! % $HOME * `date`\nand a second line; ü"""


@pytest.mark.parametrize("shell", ["/bin/sh", "/bin/busybox", "bash", "fish", "tcsh"])
def test_any_login_shell_will_do(board: BoardDouble, shell: str, tmp_path: Path) -> None:
    path = shell if shell.startswith("/") else shutil.which(shell)
    assert path, f"{shell} is not installed: make board"
    board.log_in_with("/bin/ash" if "busybox" in shell else path)
    if "busybox" in shell:
        (board.root / "bin/ash").unlink(missing_ok=True)
        (board.root / "bin/ash").symlink_to("busybox")
    host = SshHost(board.name)
    assert host.shell(f"printf %s {shlex.quote(ODD)}") == ODD
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\nexit 7\n")
    program.chmod(0o755)
    host.push([program], "/tmp")
    with pytest.raises(RequestRefused, match=r"^board \S+: exit code 7$"):
        host.shell("/tmp/program")


def test_a_greeting_of_the_login_shell_is_no_output(board: BoardDouble) -> None:
    shell = board.root / "bin/greets"
    shell.write_text('#!/bin/sh\necho "Welcome to the board"\nexec /bin/sh "$@"\n')
    shell.chmod(0o755)
    board.log_in_with("/bin/greets")
    host = SshHost(board.name)
    assert host.shell("echo mine") == "mine\n"
    assert str(host.home) == f"/{HOME}"


def test_no_login(board: BoardDouble) -> None:
    board.log_in_with("/usr/sbin/nologin")
    with pytest.raises(DeviceError, match="This account is currently not available"):
        SshHost(board.name).shell("true")


def refused(board: BoardDouble) -> DeviceError:
    with pytest.raises(DeviceError) as caught:
        open_device(board.device)
    assert ssh_left(board) == []
    return caught.value


def test_a_wrong_key(board: BoardDouble) -> None:
    board.configure("host_key")
    error = refused(board)
    assert error.message.endswith("not let this user in without a password (it takes: publickey)")
    assert f"`ssh-copy-id {board.name}`" in error.advice


def test_a_password_is_never_asked_for(board: BoardDouble) -> None:
    config = board.root / "etc/ssh/sshd_config"
    text = config.read_text().replace("PasswordAuthentication no", "PasswordAuthentication yes")
    config.write_text(f"PubkeyAuthentication no\n{text}")
    assert refused(board).message.endswith("without a password (it takes: password)")


def test_a_host_key_that_has_changed(board: BoardDouble, tmp_path: Path) -> None:
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", tmp_path / "other"], check=True
    )
    board.know((tmp_path / "other.pub").read_text())
    before = board.known.read_bytes()
    error = refused(board)
    assert f"its host key is not the one that is known here (in {board.known}:1)" in error.message
    assert "somebody may be in between" in error.advice
    assert board.known.read_bytes() == before


def test_an_unknown_host(board: BoardDouble) -> None:
    board.know("")
    error = refused(board)
    assert error.message.endswith("its host key is not known here")
    assert error.advice == f"run `ssh {board.name}` once, compare the key and confirm it"
    assert board.known.read_text() == ""


def test_no_such_host(board: BoardDouble) -> None:
    with pytest.raises(DeviceError, match="no such host; give its address"):
        open_device("ssh:pi@nowhere.invalid")


def test_no_ssh_server_there(board: BoardDouble) -> None:
    board.configure("user_key", "Port 1")
    config = board.programs.parent / "config"
    config.write_text(config.read_text().replace(f"Port {board.port}", "Port 1"))
    assert "no ssh server answers there" in refused(board).message


def test_an_x86_host(board: BoardDouble) -> None:
    board.log_in_with("/bin/native")
    shell = board.root / "bin/native"
    shell.write_text('#!/bin/sh\nPATH=/usr/bin exec sh "$@"\n')
    shell.chmod(0o755)
    machine = platform.machine()
    if machine in ("aarch64", "arm64"):
        pytest.skip("this machine is no x86 host")
    error = refused(board)
    assert error.message == f"board {board.name} is {machine}, not 64-bit ARM"


def test_too_few_sessions(board: BoardDouble) -> None:
    config = board.root / "etc/ssh/sshd_config"
    config.write_text(config.read_text() + "MaxSessions 1\n")
    with pytest.raises(RequestRefused, match=r"Session open refused by peer; .* MaxSessions"):
        SshHost(board.name).shell("true")


def test_forwarding_that_is_forbidden(board: BoardDouble, bundle: Bundle) -> None:
    config = board.root / "etc/ssh/sshd_config"
    config.write_text(config.read_text() + "AllowTcpForwarding no\n")
    host = SshHost(board.name)
    with (
        pytest.raises(RequestRefused, match="its sshd may forbid it: AllowTcpForwarding"),
        lock_device(host) as lock,
        lock.reverse(9),
    ):
        pass


@pytest.mark.parametrize(("home", "full"), [("noexec", False), ("ro", False), ("size=64k", True)])
def test_a_home_that_is_no_use_is_left_alone(
    home: str, full: bool, namespaces: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with BoardDouble(tmp_path / "board", "--home", home) as board:
        reach(board, monkeypatch)
        if full:
            fill(board.root / "home/pi")
        host = SshHost(board.name)
        assert str(host.home) == "/var/tmp/depthbench-1000"
        assert stat.S_IMODE((board.root / "var/tmp/depthbench-1000").stat().st_mode) == 0o700
        host.close()


def fill(folder: Path) -> None:
    """Leaves no room in a small file system, where it can be written to."""
    with contextlib.suppress(OSError), (folder / "filling").open("wb", buffering=0) as filling:
        while filling.write(bytes(4096)):
            pass


def test_a_full_board_is_said(
    namespaces: None, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with BoardDouble(tmp_path / "board", "--home", "size=4m") as board:
        reach(board, monkeypatch)
        host = SshHost(board.name)
        with (
            pytest.raises(StorageFull, match="no space left on the board; free some"),
            lock_device(host) as lock,
        ):
            install_bundle(lock, bundle)
        assert board.files() == []
        host.close()


def test_a_board_with_nothing_but_busybox(
    namespaces: None, bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with BoardDouble(tmp_path / "board", "--busybox") as board:
        reach(board, monkeypatch)
        host = SshHost(board.name)
        with lock_device(host) as lock:
            folder, pushed = install_bundle(lock, bundle)
            assert pushed
            assert install_bundle(lock, bundle) == (folder, False)
        host.close()


@pytest.mark.parametrize(
    "specification", ["ssh:", "ssh:-oProxyCommand=x", "ssh:a b", "ssh:h:0", "ssh:h:70000", "ssh:u@"]
)
def test_what_is_no_address(specification: str) -> None:
    with pytest.raises(InputError):
        open_device(specification)


def test_nothing_is_left_of_a_connection(board: BoardDouble) -> None:
    before = sockets()
    host = SshHost(board.name)
    with lock_device(host) as lock, lock.folder(host.home / "run-1"), lock.forward(9) as port:
        assert port
        assert board.files() == ["run-1"]
    host.close()
    assert (board.files(), ssh_left(board)) == ([], [])
    assert sockets() <= before


def sockets() -> set[str]:
    """The folders of connections."""
    return {name for name in os.listdir("/tmp") if name.startswith("depthbench-ssh-")}
