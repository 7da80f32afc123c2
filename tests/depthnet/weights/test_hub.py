"""ImageNet weights from the hub: only a hub that cannot be reached means a random start."""

from __future__ import annotations

import http.server
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import pytest
import torch
from huggingface_hub import constants
from safetensors.torch import save, save_file

from depthbench.errors import InputError
from depthnet import encoders
from depthnet.timm_import import import_timm
from depthnet.weights import hub

REPOSITORY = "timm/mobilenetv2_100.ra_in1k"


@pytest.fixture
def status() -> Iterator[list[int]]:
    """The answer of a hub on this machine to every request."""
    answer = [404]

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_HEAD(self) -> None:
            self.send_response(answer[0])
            code = {404: "RepoNotFound", 403: "GatedRepo"}.get(answer[0])
            if code:
                self.send_header("X-Error-Code", code)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def do_GET(self) -> None:
            self.do_HEAD()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    endpoint = f"http://127.0.0.1:{server.server_port}"
    with (
        patch.object(constants, "ENDPOINT", endpoint),
        patch.object(constants, "HF_HUB_OFFLINE", False),
        patch.object(
            constants,
            "HUGGINGFACE_CO_URL_TEMPLATE",
            endpoint + "/{repo_id}/resolve/{revision}/{filename}",
        ),
    ):
        yield answer
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.mark.parametrize("code", [404, 403, 401])
def test_a_hub_that_refuses_is_an_error_of_one_line(status: list[int], code: int) -> None:
    status[0] = code
    with pytest.raises(InputError, match=r"model\.safetensors of timm/mobilenetv2") as caught:
        hub.download(REPOSITORY, encoders.FILENAME)
    assert "\n" not in str(caught.value)


def test_no_network_and_no_copy_is_no_file() -> None:
    with (
        patch.object(constants, "HF_HUB_OFFLINE", False),
        patch("socket.create_connection", side_effect=OSError("no route")),
    ):
        assert hub.download(REPOSITORY, encoders.FILENAME) is None


def test_the_way_to_the_hub_may_lead_through_a_proxy(
    status: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    tried: list[tuple[str, int]] = []

    def refuse(at: tuple[str, int], _: float) -> None:
        tried.append(at)
        raise OSError("no route")

    monkeypatch.setenv("http_proxy", "http://proxy.example:3128")
    monkeypatch.setenv("no_proxy", "")
    with patch("socket.create_connection", side_effect=refuse):
        assert hub.download(REPOSITORY, encoders.FILENAME) is None
    assert tried == [("proxy.example", 3128)]


def test_weights_of_the_hub_are_the_encoders(tmp_path: Path) -> None:
    torch.manual_seed(3)
    theirs = import_timm().create_model("mobilenetv3_large_100")
    path = tmp_path / "model.safetensors"
    save_file(theirs.state_dict(), path)
    with patch.object(encoders, "download", return_value=path) as asked:
        encoder, loaded = encoders.build_encoder("mobilenet_v3", pretrained=True)
    assert loaded
    assert asked.call_args.args == ("timm/mobilenetv3_large_100.ra_in1k", "model.safetensors")
    for name, tensor in encoder.backbone.state_dict().items():
        assert torch.equal(tensor, theirs.state_dict()[name]), name


@pytest.mark.parametrize(
    ("content", "error", "says"),
    [
        (b"broken", InputError, r"model\.safetensors: damaged; remove it"),
        (save({"conv.weight": torch.zeros(1)}), RuntimeError, "Missing key"),
    ],
    ids=["damaged", "of another network"],
)
def test_a_file_that_does_not_fit_is_no_missing_hub(
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    content: bytes,
    error: type[Exception],
    says: str,
) -> None:
    path = tmp_path / "model.safetensors"
    path.write_bytes(content)
    with (
        caplog.at_level(logging.WARNING, "depthnet"),
        patch.object(encoders, "download", return_value=path),
        pytest.raises(error, match=says),
    ):
        encoders.build_encoder("mobilenet_v3", pretrained=True)
    assert not caplog.records
