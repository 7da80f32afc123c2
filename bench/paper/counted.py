"""Parameters and MACs of every network of the zoo, counted once and kept.

`python -m bench.paper.counted` counts anew and writes the file.
"""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from depthbench.files import write_whole

SCHEMA = "depthbench.counted/1"
FILE = Path(__file__).with_name("counted.json")


@cache
def read_counted() -> dict[str, dict[str, Any]]:
    """`depthnet.complexity.Complexity.to_dict` of every network, by name, at its own size."""
    networks: dict[str, dict[str, Any]] = json.loads(FILE.read_text())["networks"]
    return networks


def count_networks() -> dict[str, dict[str, Any]]:
    """What `read_counted` gives, counted from the networks themselves; takes 20 s."""
    from depthnet import complexity, network, zoo

    counted = {
        entry.name: complexity.measure(network.build_shapes(entry)).to_dict()
        for entry in zoo.ENTRIES
    }
    found: dict[str, dict[str, Any]] = json.loads(json.dumps(counted))
    return found


if __name__ == "__main__":
    document = {"schema": SCHEMA, "networks": count_networks()}
    write_whole(FILE, (json.dumps(document, indent=1) + "\n").encode())
