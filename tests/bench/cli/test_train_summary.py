"""What `train` prints of a record."""

from __future__ import annotations

import json

from bench.cli.train import _summary
from depthnet.weights import pretrained


def test_a_fine_tuned_network_names_the_weights_that_its_own_run_started_from() -> None:
    path = pretrained.weights_path("mobiledepth")
    assert path
    record = json.loads(path.with_suffix(".json").read_text())
    before = record["before"]["file"]["sha256"]
    shown = _summary({"weights": "w.safetensors", **record})
    assert shown["trained from"] == f"mobiledepth ({before[:12]})"
    assert shown["epochs"] == record["epochs"]
