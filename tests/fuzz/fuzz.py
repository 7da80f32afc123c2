"""Do bytes from outside do harm to the phone's servers? Ten minutes of libFuzzer on their parsers.

--server says whether those of the RPC server (rpc) or of the demo's (demo).

Prints a summary, or with --json one object. What breaks the server is left in --failures, and the
exit code is 1. With --keep, the inputs that reach code which no kept seed reaches become seeds.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from build import TARGETS, FuzzTarget

COMPILER = "clang-19"
SANITIZERS = ("-O1", "-fsanitize=fuzzer,address,undefined", "-fno-sanitize-recover=undefined")
MAX_BYTES = 2048
STARTED = re.compile(r"Loaded \d+ modules? +\((\d+) inline 8-bit counters\)")
REACHED = re.compile(r"cov: (\d+) ft:")
STATISTIC = re.compile(r"stat::(\w+): +(\d+)")
FAILURES = ("crash-*", "leak-*", "timeout-*", "oom-*")


def fuzz(
    program: Path, seeds: Path, minutes: float, scratch: Path, failures: Path
) -> dict[str, Any]:
    """The summary of so many minutes; new inputs are left in the folder `scratch`."""
    failures.mkdir(parents=True, exist_ok=True)
    before = set(failures.iterdir())
    command = [str(program), str(scratch), str(seeds), f"-max_total_time={round(60 * minutes)}"]
    command += [f"-max_len={MAX_BYTES}", "-timeout=5", f"-artifact_prefix={failures}/"]
    # The target's own stderr is closed: options that cannot be used are said there.
    command += ["-print_final_stats=1", "-close_fd_mask=2"]
    began = time.monotonic()
    done = subprocess.run(command, cwd=scratch.parent, stderr=subprocess.PIPE, text=True)
    found = [path for kind in FAILURES for path in failures.glob(kind) if path not in before]
    statistics = dict(STATISTIC.findall(done.stderr))
    total, reached = STARTED.search(done.stderr), REACHED.findall(done.stderr)
    if not (total and reached and statistics) or (done.returncode and not found):
        sys.exit(f"the fuzzer did not run:\n{done.stderr[-2000:]}")
    return {
        "inputs": int(statistics["number_of_executed_units"]),
        "seconds": round(time.monotonic() - began),
        "executions_per_second": int(statistics["average_exec_per_sec"]),
        "crashes": len(found),
        "coverage": {"edges": int(reached[-1]), "of": int(total[1])},
        "seeds": len(list(seeds.iterdir())),
        "failures": [path.name for path in found],
    }


def keep_new(program: Path, seeds: Path, scratch: Path) -> None:
    """Adds to the seeds what reaches new code, the smallest inputs that do."""
    command = [str(program), "-merge=1", "-close_fd_mask=2", str(seeds), str(scratch)]
    subprocess.run(command, cwd=scratch.parent, stderr=subprocess.DEVNULL, check=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--server", choices=TARGETS, default="rpc")
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--keep", action="store_true", help="keep new inputs as seeds")
    parser.add_argument("--failures", type=Path, default=Path("out/fuzz"), metavar="FOLDER")
    parser.add_argument("--json", action="store_true", help="one object on stdout")
    options = parser.parse_args()
    if shutil.which(COMPILER) is None:
        print(
            f"{COMPILER} is not installed: sudo apt-get install {COMPILER} libclang-rt-19-dev",
            file=sys.stderr,
        )
        return 3
    with tempfile.TemporaryDirectory(prefix="depthbench-fuzz-") as name:
        folder = Path(name)
        (scratch := folder / "inputs").mkdir()
        target: FuzzTarget = TARGETS[options.server]
        target.build(program := folder / "fuzz", [COMPILER, *SANITIZERS])
        failures = options.failures.resolve()
        summary = fuzz(program, target.seeds, options.minutes, scratch, failures)
        if options.keep and not summary["crashes"]:
            keep_new(program, target.seeds, scratch)
    if options.json:
        print(json.dumps(summary))
    else:
        for name, value in summary.items():
            print(f"{name}: {value}")
    return 1 if summary["crashes"] else 0


if __name__ == "__main__":
    sys.exit(main())
