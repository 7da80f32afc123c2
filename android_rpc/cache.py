"""Where may files that can be made again be kept?"""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """The folder for files that can be made again: $DEPTHBENCH_CACHE, or the user's own cache."""
    asked = os.environ.get("DEPTHBENCH_CACHE")
    if asked:
        return Path(asked).expanduser().absolute()
    from platformdirs import user_cache_dir

    return Path(user_cache_dir("depthbench"))
