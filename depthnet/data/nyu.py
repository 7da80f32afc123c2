"""NYU Depth v2 (Silberman et al., ECCV 2012) in whichever layout a path holds."""

from __future__ import annotations

from pathlib import Path

from depthbench.errors import InputError
from depthnet.data import own_pairs
from depthnet.data.pair import DepthDataset
from depthnet.data.splits import check_split

LAYOUTS = (
    "a folder with split.csv, rgb/ and depth8/; nyu_depth_v2_labeled.mat; nyu_data.zip, "
    f"nyu_test.zip or a folder of either extracted; or of pairs of your own {own_pairs.LAYOUTS}"
)


def open_nyu(path: Path, split: str = "test", limit: int | None = None) -> DepthDataset:
    """Open NYU Depth v2 in the layout found at `path`.

    The layouts: the folder of 1449 labelled pairs as JPEG and 8-bit depth (`nyu_folder`), the
    official labelled MATLAB file (`nyu_matlab`), and the training and test sets that DenseDepth
    (Alhashim and Wonka 2018) published (`nyu_densedepth`, `nyu_eigen`). Raises InputError when
    `path` is missing or none of these, or the split is unknown or empty.
    """
    check_split(split)
    if not path.exists():
        raise InputError(f"{path}: no such file or folder", advice=f"give {LAYOUTS}")
    if (path / "split.csv").is_file():
        from depthnet.data.nyu_folder import NyuFolder

        return NyuFolder(path, split, limit)
    matlab = path / "nyu_depth_v2_labeled.mat" if path.is_dir() else path
    if matlab.suffix == ".mat" and matlab.is_file():
        from depthnet.data.nyu_matlab import NyuMatlab

        return NyuMatlab(matlab, split, limit)
    if path.is_dir() or path.suffix == ".zip":
        from depthnet.data.nyu_densedepth import NyuDenseDepth
        from depthnet.data.nyu_eigen import NyuEigen
        from depthnet.data.store import open_store

        store = open_store(path)
        if NyuEigen.found_in(store):
            return NyuEigen(store, split, limit)
        if NyuDenseDepth.found_in(store):
            return NyuDenseDepth(store, split, limit)
    raise InputError(
        f"{path}: not a layout of NYU Depth v2, nor pairs of one's own", advice=f"give {LAYOUTS}"
    )
