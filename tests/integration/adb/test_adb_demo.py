"""The demo on a phone behind the real adb client, seen in its own browser or in one here."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from android_rpc.adb.client import Adb
from android_rpc.bundle.native_program import ARM64_TRIPLE
from android_rpc.demo.start_demo import open_browser, start_demo
from depthbench.errors import DeviceError
from tests.integration.adb.conftest import PhoneDouble, rules
from tests.integration.demo_server.conftest import build_stand_in
from tests.integration.demo_server.peer import Browser, Map, ask, browse, frame, parts_of

HOLD = """import sys, time
from pathlib import Path
from android_rpc.demo.start_demo import start_demo
with start_demo(sys.argv[1], [Path(sys.argv[2])], browser_here=True) as demo:
    print(demo.url, flush=True)
    time.sleep(600)
"""


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_stand_in(tmp_path_factory.mktemp("arm64") / "libquick.so", ARM64_TRIPLE)


def assert_nothing_left(phone: PhoneDouble, wait_until: Callable[..., float]) -> None:
    assert rules() == []
    wait_until(lambda: phone.running() == [], 60)
    assert phone.files() == []


def test_a_demo_in_a_browser_here(
    phone_double: PhoneDouble, library: Path, wait_until: Callable[..., float]
) -> None:
    async def visit(browser: Browser) -> None:
        loaded = await browser.load("quick", threads=1)
        big = [core["cpu"] for core in device["cores"] if core["part"] == "Cortex-A76"]
        assert loaded["cpus"] == big[:1]
        temperature = await browser.hear_of("temperature")
        assert temperature["celsius"] == device["temperature_c"]
        await browser.show(frame(5, rotation=90))
        while not isinstance(found := await browser.hear(), Map):
            continue
        assert (found.number, found.values[1]) == (5, 90)

    with start_demo(f"adb:{phone_double.serial}", [library], browser_here=True) as demo:
        device = json.loads(ask(demo.url, "packages")[2])["device"]
        assert device["name"] == "Test Phone"
        assert all(core["max_mhz"] > 0 for core in device["cores"])
        assert ask(demo.url, "packages", "POST", library.read_bytes())[0] == 200
        browse(demo.url, visit)
    assert_nothing_left(phone_double, wait_until)


def test_a_demo_in_the_phones_browser(
    phone_double: PhoneDouble, library: Path, wait_until: Callable[..., float]
) -> None:
    phone = Adb(phone_double.serial)
    with start_demo(f"adb:{phone_double.serial}", [library]) as demo:
        assert rules() == []
        with pytest.raises(DeviceError, match="opened no browser; open http://localhost:"):
            open_browser(phone, demo.url)
        phone_double.write("/data/local/tmp/browser", "")
        open_browser(phone, demo.url)
        asked = phone_double.shell("cat /data/local/tmp/asked_of_am").split()
        assert asked == ["start", "-a", "android.intent.action.VIEW", "-d", demo.url]
        port, path = parts_of(demo.url)
        here = phone.run("forward", "tcp:0", f"tcp:{port}").strip()
        url = f"http://localhost:{here}{path}"
        assert ask(url, "", Host=f"localhost:{port}")[0] == 200
        assert ask(url, "", Host=f"localhost:{here}")[0] == 421
        phone.run("forward", "--remove", f"tcp:{here}")
    assert_nothing_left(phone_double, wait_until)


def test_a_demo_ends_with_the_client_that_was_killed(
    phone_double: PhoneDouble, library: Path, wait_until: Callable[..., float]
) -> None:
    command = [sys.executable, "-c", HOLD, f"adb:{phone_double.serial}", str(library)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout is not None
        assert client.stdout.readline().startswith("http://localhost:")
        client.kill()
    wait_until(lambda: phone_double.running() == [], 60)
    with start_demo(f"adb:{phone_double.serial}", [library]):
        pass  # removes what the other could not
    assert_nothing_left(phone_double, wait_until)


def test_a_phone_that_is_unplugged_is_told(phone_double: PhoneDouble, library: Path) -> None:
    with pytest.raises(DeviceError, match=r"Test Phone\) is gone"):
        wait_unplugged(phone_double, library)


def wait_unplugged(phone: PhoneDouble, library: Path) -> None:
    with start_demo(f"adb:{phone.serial}", [library]) as demo:
        phone.order("unplug")
        demo.next_event(30)
