"""How long work reports what it is doing."""

from __future__ import annotations

from collections.abc import Callable

Progress = Callable[[str], None]
"""Gets one line as each step begins, to show it; work is stopped by `depthbench.cancellation`."""
