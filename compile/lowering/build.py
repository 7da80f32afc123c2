"""From scheduled functions to machine code, with nothing fused or scheduled again."""

from __future__ import annotations

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import tvm
from tvm import relax, tirx
from tvm.tirx import compilation_pipeline

from compile.lowering.argument_checks import keep_checks_of_inputs, leave_out_checks
from compile.lowering.builder_scopes import leave_out_scopes
from compile.lowering.byte_instructions import byte_instructions
from compile.lowering.linker import link
from compile.lowering.peel_edges import peel_edges
from compile.lowering.reloaded_vectors import reloaded_vectors
from compile.lowering.stack_buffers import stack_buffers
from compile.lowering.thread_functions import thread_functions
from compile.targets import Target


def plan(mod: tvm.IRModule, target: Target) -> tvm.IRModule:
    """Give every tensor its storage and lower `main` to the virtual machine's own operators."""
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
    with tvm.target.Target(target.tvm):
        return tvm.transform.Sequential(passes)(keep_checks_of_inputs(mod))


def generate_code(planned: tvm.IRModule, target: Target) -> relax.VMExecutable:
    """Machine code for the target, with the virtual machine's instructions and the weights."""
    machine = tvm.target.Target(target.tvm)
    return relax.build(planned, machine, relax_pipeline=None, tir_pipeline=tir_pipeline())


def build_function(name: str, function: tirx.PrimFunc, target: Target) -> None:
    """Generate code for one scheduled function, to see that there is any; raises what TVM does."""
    machine = tvm.target.Target(target.tvm)
    tvm.tirx.build(function.with_attr("global_symbol", name), machine, pipeline=tir_pipeline())


def lower(mod: tvm.IRModule, target: Target) -> relax.VMExecutable:
    """Plan memory, lower to the virtual machine and generate code for the target."""
    return generate_code(plan(mod, target), target)


def _loops_to_statements() -> tuple[
    tvm.transform.Pass, Callable[[], tvm.transform.Pass], Callable[[], tvm.transform.Pass]
]:
    """TVM's own lowering of loop nests, with a pass before it and one before its last ones."""
    lower, finish, device = compilation_pipeline.get_tir_pipeline("s_tir")
    first = tvm.transform.Sequential([peel_edges, lower])
    last = [leave_out_checks, byte_instructions, stack_buffers, reloaded_vectors, thread_functions]
    last.append(leave_out_scopes)
    return first, lambda: tvm.transform.Sequential([*last, finish()]), device


@functools.cache
def tir_pipeline() -> str:
    """The name under which TVM finds our lowering; it takes pipelines by name alone."""
    name = "depthbench"
    compilation_pipeline.register_tir_pipeline(name, _loops_to_statements)
    return name


def write_library(executable: relax.VMExecutable | tvm.runtime.Module, library: Path) -> None:
    """Link the generated code and the weights into one shared library."""

    def link_objects(output: str, objects: list[str], **_: Any) -> None:
        link([Path(one) for one in objects], Path(output))

    executable.export_library(str(library), fcompile=link_objects)
