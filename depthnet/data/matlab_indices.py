"""Lists of indices in a MATLAB 5 file, such as NYU's splits.mat.

As a program, `python -m depthnet.data.matlab_indices FILE NAME` prints one list as JSON. scipy
reads past its tables when a tag of the file is damaged, which can end the process: so it reads
in a process of its own, with a limit of memory and of time.
"""

from __future__ import annotations

import json
import resource
import sys
from functools import partial
from pathlib import Path

from depthbench.errors import InputError
from depthbench.processes import run_program

LARGEST_FILE = 100_000
"""Bytes; packed, it holds at most a thousand times as much."""
MOST_INDICES = 1_000_000
LARGEST_MEMORY = 4 << 30
LONGEST_S = 60.0


def read_indices(path: Path, name: str) -> list[int]:
    """The whole numbers of the matrix `name`, column by column.

    Raises InputError when the file is missing, over 100 kB, damaged or no MATLAB 5 file, or has no
    such matrix of whole numbers.
    """
    try:
        size = path.stat().st_size
    except OSError as error:
        raise InputError(
            f"{path}: cannot be read ({error.strerror})", advice="check the path"
        ) from error
    if size > LARGEST_FILE:
        raise InputError(f"{path}: over 100 kB", advice="a split file is a few kB, give that one")
    command = [sys.executable, "-m", __name__, str(path.absolute()), name]
    failure = partial(InputError, advice="fetch it again")
    problem = f"{path}: not a whole MATLAB 5 file"
    done = run_program(command, problem, failure=failure, timeout_s=LONGEST_S)
    indices: list[int] | None = json.loads(done.output)
    if indices is None:
        raise InputError(f"{path}: has no {name}", advice="give the official file")
    return indices


def _load(path: str, name: str) -> list[int] | None:
    from scipy.io import loadmat

    array = loadmat(path, variable_names=[name]).get(name)
    if array is None or array.dtype.kind not in "iuf" or array.size > MOST_INDICES:
        return None
    if (array != array.round()).any():
        return None
    return [int(value) for value in array.ravel(order="F")]


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_AS, (LARGEST_MEMORY, LARGEST_MEMORY))
    print(json.dumps(_load(*sys.argv[1:])))
