"""The phases of a compilation by name, in order: what happens to a model between ONNX and code."""

from __future__ import annotations

from functools import partial

from compile.observer import Phase
from compile.precision import Precision
from compile.targets import Target


def repairs(machine: Target, numbers: Precision) -> list[Phase]:
    """What undoes the forms that TVM's importer gives to operators, in Relax."""
    from compile.graph.clip_to_minmax import clip_to_minmax
    from compile.graph.compute_constants import compute_constants
    from compile.graph.qdq import store_bytes
    from compile.graph.select_branches import select_branches

    store = partial(store_bytes, dtype=machine.dot_bytes)
    return [
        Phase("select_branches", select_branches),
        Phase("clip_to_minmax", clip_to_minmax),
        Phase("compute_constants", compute_constants),
        Phase("store_bytes", store, when=bool(machine.dot_bytes)),
    ]


def rewrites(numbers: Precision) -> list[Phase]:
    """What makes the graph cheaper, in Relax; each but the last says how often it applied."""
    from compile.graph.channels_last import channels_last
    from compile.graph.fold_scales import fold_scales
    from compile.graph.fold_shuffles import fold_shuffles
    from compile.graph.half_precision import half_precision
    from compile.graph.merge_convolutions import merge_convolutions
    from compile.graph.phase_convolution import phase_convolutions
    from compile.graph.qdq import dequantise_weights
    from compile.graph.recognise_attention import recognise_attention
    from compile.graph.remove_identities import remove_identities
    from compile.graph.sink_upsampling import sink_upsampling
    from compile.graph.transposed_convolution import transposed_convolutions
    from compile.graph.whole_numbers import drop_whole_casts
    from compile.graph.widen_convolutions import widen_convolutions

    halve = partial(half_precision, wide_end=numbers.wide_end)
    return [
        Phase("dequantise_weights", dequantise_weights),
        Phase("remove_identities", remove_identities),
        Phase("drop_whole_casts", drop_whole_casts),
        Phase("widen_convolutions", widen_convolutions),
        Phase("transposed_convolutions", transposed_convolutions),
        Phase("fold_scales", fold_scales),
        Phase("merge_convolutions", merge_convolutions),
        Phase("sink_upsampling", sink_upsampling),
        Phase("fold_shuffles", fold_shuffles),
        Phase("phase_convolutions", phase_convolutions),
        Phase("attention", recognise_attention, when=numbers.storage != "float16"),
        Phase("half_precision", halve, when=numbers.storage == "float16"),
        Phase("channels_last", channels_last),
    ]


def kernels(machine: Target, numbers: Precision) -> list[Phase]:
    """From Relax operators to one loop nest a kernel, in TIR."""
    from compile.operators.bytes.byte_products import byte_products
    from compile.operators.bytes.byte_whole_products import whole_products
    from compile.operators.bytes.half_windows import half_windows
    from compile.operators.copied_outputs import copy_outputs
    from compile.operators.fusion import fuse
    from compile.operators.vector_math import vector_math
    from compile.schedules.fuse_depthwise_pointwise import fuse_depthwise_pointwise

    reduce = partial(byte_products, target=machine)
    whole = partial(whole_products, target=machine)
    halves = numbers.storage == "int8" and machine.has_half and machine.by_lane
    return [
        Phase("whole_products", whole),
        Phase("byte_products", reduce, when=numbers.storage == "int8"),
        Phase("half_windows", half_windows, when=halves),
        Phase("fuse", partial(fuse, target=machine, numbers=numbers)),
        Phase("fuse_depthwise_pointwise", partial(fuse_depthwise_pointwise, target=machine)),
        Phase("vector_math", vector_math),
        Phase("copy_outputs", copy_outputs),
    ]


def schedules(machine: Target, *, build_each: bool = False) -> list[Phase]:
    """How each kernel's loops run; with `build_each`, only schedules from which there is code."""
    from compile.lowering.build import build_function
    from compile.schedules.rewrites.cross_kernel_prefetch import prefetch_across_kernels
    from compile.schedules.rewrites.skip_unselected import skip_unselected
    from compile.schedules.select import schedule_module

    build = partial(build_function, target=machine) if build_each else None
    prefetch = partial(prefetch_across_kernels, target=machine)
    return [
        Phase("schedule", partial(schedule_module, target=machine, build=build)),
        Phase("cross_kernel_prefetch", prefetch, when=not build_each),
        Phase("skip_unselected", skip_unselected),
    ]


def lowering(machine: Target) -> list[Phase]:
    """From scheduled kernels to what the virtual machine calls, memory planned."""
    from compile.lowering.build import plan

    return [Phase("plan_memory", partial(plan, target=machine))]
