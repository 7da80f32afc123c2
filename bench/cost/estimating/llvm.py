"""LLVM's tools: where they are, and which CPU they model."""

from __future__ import annotations

import shutil
from functools import cache

from depthbench.errors import ToolMissing
from depthbench.processes import run_program

# The Neoverse N1 is the A76 for servers; LLVM's own model called cortex-a76 is that of the A57.
CPU_MODEL = "neoverse-n1"
TRIPLE = "aarch64-linux-gnu"
FEATURES = "+v8.2a,+fullfp16,+dotprod,+lse"
# Another version models the CPU differently: estimates are compared only within one.
VERSION = "19"


def find_tool(name: str) -> str:
    """The path of one of LLVM's tools; ToolMissing, with the command that installs it."""
    if found := shutil.which(f"{name}-{VERSION}"):
        return found
    raise ToolMissing(
        f"{name}-{VERSION} is not installed", advice=f"sudo apt-get install llvm-{VERSION}"
    )


@cache
def version() -> str:
    """For example `LLVM 19.1.7`."""
    text = run_program([find_tool("llvm-mca"), "--version"], "llvm-mca does not run").output
    return next((f"LLVM {line.split()[-1]}" for line in text.splitlines() if "version" in line), "")
