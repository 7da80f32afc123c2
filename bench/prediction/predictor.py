"""A model that is opened once and predicts image by image, here or on a device."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from bench.model_card import NOTHING, Asked, describe_compiled, describe_model, open_model
from bench.models import names_folder
from bench.prediction.intrinsics import Intrinsics, relative_focal
from depthbench.closing import Closing
from depthbench.errors import InputError
from depthbench.progress import Progress

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from bench.runtimes.base import Runtime
    from compile.artefact import Artefact
    from depthnet.card.depth_model import DepthModel
    from depthnet.card.meaning import Meaning

HOST = "this machine"
BY_DEFAULT = "onnxruntime"
FOCAL_CHANGE = 0.01
"""Of depth, by the focal length: a smaller one is not told."""


class Predictor(Closing):
    """An opened model: an image in, its depth out, by the code that `depthbench eval` scores.

    `model` is its name, `runtime` what it runs on, `device` where; `meaning` is the card's word
    for what it gives. It is a context manager that closes what was opened.
    """

    def __init__(
        self,
        depth_model: DepthModel,
        runtime: Runtime,
        model: str,
        device: str = HOST,
        opened: ExitStack | None = None,
    ) -> None:
        from bench.accuracy.evaluate import as_predict

        self.model, self.device = model, device
        self.runtime = runtime.name
        self.meaning: Meaning = depth_model.card.meaning
        calibration = depth_model.card.calibration
        self._focal = calibration.focal if calibration else None
        self._depth_model = depth_model
        self._run = as_predict(depth_model, runtime)
        self._opened = opened or ExitStack()

    @property
    def metric(self) -> bool:
        """Whether predictions are in metres, and not only up to scale and shift."""
        from depthnet.card.meaning import METRIC

        return self.meaning in METRIC

    @property
    def knows_focal(self) -> bool:
        """Whether depth grows with a camera's focal length, as the model was calibrated."""
        return self._focal is not None

    def predict(
        self,
        image: NDArray[Any],
        *,
        flip: bool = False,
        camera: Intrinsics | None = None,
        what: str = "the prediction",
    ) -> NDArray[Any]:
        """The depth of an image, HxWx3 uint8 RGB, as HxW float32, resized bilinearly to its size.

        In metres or, where the model knows none, what its card says. `flip` averages it with that
        of the mirrored image. Where the model was calibrated at a focal length, depth grows with
        that of `camera`. Raises InputError where the model gives no depth map, CheckFailed, which
        names `what`, for values that are not finite, or metres that are not positive.
        """
        from PIL.Image import Resampling

        from depthnet.scoring import protocols
        from depthnet.scoring.space import SPACES, to_space

        space = "depth" if self.metric else SPACES[self.meaning]
        network_input = self._depth_model.to_input(image)

        def predict_in_space(given: NDArray[Any]) -> NDArray[Any]:
            return to_space(self._run(given), self.meaning, space, what)

        if flip:
            mirrored = self._depth_model.mirrored
            depth = protocols.predict_flip_averaged(predict_in_space, network_input, mirrored)
        else:
            depth = predict_in_space(network_input)
        enlarged = protocols.resize(depth, image.shape[:2], Resampling.BILINEAR)
        factor = self._factor(image.shape[:2], camera)
        return enlarged if factor == 1 else enlarged * np.float32(factor)

    def focal_note(self, size: tuple[int, ...], camera: Intrinsics | None) -> str:
        """What a person should know of a picture's focal length; empty for nothing.

        `size` is height and width.
        """
        if self._focal and camera is None:
            return "its focal length is not known: taken as that of the calibration's pictures"
        factor = self._factor(size, camera)
        if abs(factor - 1) < FOCAL_CHANGE:
            return ""
        return f"depth is multiplied by {factor:.3g}: its focal length by the calibration's"

    def _factor(self, size: tuple[int, ...], camera: Intrinsics | None) -> float:
        if not self._focal or camera is None:
            return 1.0
        return relative_focal(camera, size) / self._focal

    def describe(self) -> dict[str, Any]:
        """What predicts, on what and where, and what the model gives."""
        names = ("model", "runtime", "device", "meaning")
        return {name: getattr(self, name) for name in names}

    def close(self) -> None:
        """Close the model, and the session with the device."""
        self._opened.close()


def open_predictor(
    model: str,
    out: Path,
    asked: Asked = NOTHING,
    *,
    runtime: str | None = None,
    device: str | None = None,
    threads: int = 1,
    progress: Progress = lambda line: None,
) -> Predictor:
    """Open `model`: a network's name, an ONNX file, or the folder of an artefact.

    It runs here on `runtime`, by default ONNX Runtime, an artefact by itself; or on `device`, for
    which a network or file is compiled first. Files that are made on the way go to `out`. Raises
    InputError for an unknown model, runtime or device, for a card that does not fit, and for what
    takes no image; ToolMissing or DeviceError where the device cannot be had.
    """
    if runtime not in (None, "tvm") and (device or names_folder(model)):
        raise InputError(
            f"{device or model}: what is compiled runs on tvm, not on {runtime}",
            advice="leave --runtime out",
        )
    with ExitStack() as opened:
        if device:
            found = _on_device(model, out, asked, device, threads, progress, opened)
        elif names_folder(model):
            found = _artefact_here(model, asked, threads, opened)
        else:
            progress(f"opening {model}")
            found = _model_here(model, out, asked, runtime or BY_DEFAULT, threads, progress, opened)
        found._opened = opened.pop_all()
    return found


def _model_here(
    model: str,
    out: Path,
    asked: Asked,
    runtime: str,
    threads: int,
    progress: Progress,
    opened: ExitStack,
) -> Predictor:
    from bench.runtimes.registry import load, prepare

    source = open_model(model, out, asked, progress=progress)
    depth_model = describe_model(source, asked)
    prepared = prepare(runtime, source, out, threads=threads, progress=progress)
    return Predictor(depth_model, opened.enter_context(load(prepared)), source.name)


def _artefact_here(model: str, asked: Asked, threads: int, opened: ExitStack) -> Predictor:
    from bench.compile_service import load_for
    from bench.runtimes.tvm_host import TvmHost

    artefact = load_for(Path(model), threads)
    target = artefact.manifest["target"]["name"]
    if target != "host":
        raise InputError(
            f"{model} is compiled for {target}", advice="name a --device, or compile it for host"
        )
    depth_model = describe_compiled(artefact, asked)
    runtime = opened.enter_context(TvmHost(artefact))
    return Predictor(depth_model, runtime, artefact.manifest["name"])


def _on_device(
    model: str,
    out: Path,
    asked: Asked,
    device: str,
    threads: int,
    progress: Progress,
    opened: ExitStack,
) -> Predictor:
    from android_rpc.devices.factory import open_device
    from android_rpc.session import open_session
    from bench.measure.request import SESSION_LIMIT_S
    from bench.runtimes.tvm_rpc import TvmRpc

    place = open_device(device, threads, progress)
    artefact = _artefact_for_device(model, out, asked, threads, progress)
    depth_model = describe_compiled(artefact, asked)
    progress(f"starting {place.name}")
    endpoint = opened.enter_context(place.reach())
    session = opened.enter_context(open_session(*endpoint, timeout_s=SESSION_LIMIT_S))
    progress(f"{place.name}: loading {artefact.manifest['name']}")
    runtime = opened.enter_context(TvmRpc(artefact, session))
    return Predictor(depth_model, runtime, artefact.manifest["name"], place.name)


def _artefact_for_device(
    model: str, out: Path, asked: Asked, threads: int, progress: Progress
) -> Artefact:
    from bench.compile_service import compile_for, load_for

    if names_folder(model):
        return load_for(Path(model), threads)
    return compile_for(model, "arm64-a76", out, threads=threads, asked=asked, progress=progress)
