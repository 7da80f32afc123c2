"""From scheduled functions to machine code, with nothing fused or scheduled again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import tvm
from tvm import relax

from compile.linker import link
from compile.targets import Target


def lower(mod: tvm.IRModule, target: Target) -> Any:
    """Plan memory, lower to the virtual machine and generate code for the target."""
    transform = relax.transform
    passes = [
        transform.RewriteDataflowReshape(),
        transform.ToNonDataflow(),
        transform.RemovePurityChecking(),
        transform.CallTIRRewrite(),
        transform.StaticPlanBlockMemory(),
        transform.LowerAllocTensor(),
        transform.KillAfterLastUse(),
        transform.LowerRuntimeBuiltin(),
        transform.ComputePrimValue(),
        transform.VMShapeLower(),
        transform.AttachGlobalSymbol(),
    ]
    pipeline = tvm.transform.Sequential(passes)
    return relax.build(mod, tvm.target.Target(target.tvm), relax_pipeline=pipeline)


def write_library(executable: Any, library: Path) -> None:
    """Link the generated code and the weights into one shared library."""

    def link_objects(output: str, objects: list[str], **_: Any) -> None:
        link([Path(one) for one in objects], Path(output))

    executable.export_library(str(library), fcompile=link_objects)
