"""Decoding of arm64 instructions: how many multiplications and additions each does."""

from __future__ import annotations

import re
from collections.abc import Iterable

from bench.cost.estimating.llvm import FEATURES, TRIPLE, find_tool
from depthbench.processes import run_program

_LINE = re.compile(r"^\s*(.*?)\s*// encoding: \[(0x\w\w),(0x\w\w),(0x\w\w),(0x\w\w)\]", re.M)
_FUSED = ("fmla", "fmls", "fmadd", "fmsub", "fnmadd", "fnmsub", "mla", "mls")
# Each lane of the result sums this many products.
_PRODUCTS = {"sdot": 4, "udot": 4, "usdot": 4, "sudot": 4, "smmla": 8, "ummla": 8}
_ARRANGEMENT = re.compile(r"^v\d+\.(\d+)[bhsd]")


def disassemble(words: Iterable[int]) -> dict[int, str]:
    """The assembly text of each word, without those that are no instruction.

    Raises ToolMissing when LLVM is not installed.
    """
    distinct = sorted(set(words))
    if not distinct:
        return {}
    lines = "\n".join(
        " ".join(f"0x{byte:02x}" for byte in word.to_bytes(4, "little")) for word in distinct
    )
    command = [find_tool("llvm-mc"), "--disassemble", "--show-encoding"]
    command += [f"-triple={TRIPLE}", f"-mattr={FEATURES}"]
    # words that are no instruction are warned about, and some are not worth failing for
    done = run_program(command, "llvm-mc", text=lines, check=False)
    texts = {}
    for text, *encoding in _LINE.findall(done.output):
        word = int.from_bytes(bytes(int(byte, 16) for byte in encoding), "little")
        texts[word] = " ".join(text.split())
    return texts


def macs(text: str) -> int:
    """Multiplications with an addition that an instruction does: 4 for `fmla v0.4s, v1.4s, v2.4s`.

    Counted are those that multiply and add in one instruction, in vectors or alone.
    """
    name, _, operands = text.partition(" ")
    if name not in _FUSED and name not in _PRODUCTS:
        return 0
    arrangement = _ARRANGEMENT.match(operands)
    lanes = int(arrangement[1]) if arrangement else 1
    return lanes * _PRODUCTS.get(name, 1)
