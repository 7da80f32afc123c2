"""From operators to fused loop nests."""

from __future__ import annotations

import logging

import tvm
from tvm import relax

from compile.library_errors import silenced
from compile.operators.legalise import legalise_map
from compile.precision import Precision
from compile.targets import Target

# Relax fuses what follows an operator into it from this level on.
FUSE_ALL = 2


def fuse(mod: tvm.IRModule, target: Target, numbers: Precision) -> tvm.IRModule:
    """Compute constants, write operators as loops in our own way, and fuse neighbours."""
    transform = relax.transform
    passes = [
        relax.backend.DispatchSampling(),
        relax.backend.DispatchSortScan(),
        transform.DecomposeOpsForInference(),
        transform.FoldConstant(),
        transform.LegalizeOps(legalise_map(target, numbers)),
        transform.AnnotateTIROpPattern(),
        transform.FoldConstant(),
        transform.DeadCodeElimination(),
        transform.FuseOps(FUSE_ALL),
        transform.FuseTIR(),
        transform.DeadCodeElimination(),
    ]
    # It warns of operands of two types, as in products of bytes, which are meant.
    logging.getLogger("topi").setLevel(logging.ERROR)
    with silenced(), tvm.target.Target(target.tvm):
        return tvm.transform.Sequential(passes)(mod)
