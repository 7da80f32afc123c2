"""Runs one of ncnn's networks as its own benchmark does, in a Python that holds ncnn alone.

run_ncnn PARAM WIDTH,HEIGHT,CHANNELS RUNS FOLDER MARK_LIBRARY

On one thread, in fp16 as by default, weights zero, with a mark around every inference. FOLDER gets
`maps`.
"""

from __future__ import annotations

import ctypes
import sys
from pathlib import Path


def run(param: str, shape: str, runs: str, folder: str, mark_library: str) -> None:
    """Loads the network and infers `runs` times."""
    import ncnn

    mark = ctypes.CDLL(mark_library).inference_mark
    blobs, workspace = ncnn.UnlockedPoolAllocator(), ncnn.PoolAllocator()
    for allocator in (blobs, workspace):
        allocator.set_size_compare_ratio(0.0)
    net = ncnn.Net()
    net.opt.blob_allocator, net.opt.workspace_allocator = blobs, workspace
    net.opt.lightmode = True
    net.opt.num_threads = 1
    net.opt.use_bf16_storage = False
    if not ncnn.cpu_support_arm_asimdhp() or net.load_param(param):
        raise RuntimeError(f"ncnn cannot load {param} in fp16")
    net.load_model(ncnn.DataReaderFromEmpty())
    image = ncnn.Mat(*map(int, shape.split(",")))
    image.fill(0.01)
    for _ in range(int(runs)):
        mark()
        extractor = net.create_extractor()
        for name in net.input_names():
            extractor.input(name, image)
        for name in net.output_names():
            extractor.extract(name)
    mark()
    (Path(folder) / "maps").write_text(Path("/proc/self/maps").read_text())


if __name__ == "__main__":
    run(*sys.argv[1:])
