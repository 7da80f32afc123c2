"""Scores on pairs that were held out of training."""

from __future__ import annotations

import numpy as np
import torch

from depthnet.network import DeployedNetwork, DepthNetwork
from depthnet.scoring import metrics, protocols
from depthnet.training.batches.samples import Samples

PROTOCOL = protocols.get("paper")
BATCH = 8


@torch.inference_mode()
def validate(network: DepthNetwork, samples: Samples, device: str = "cpu") -> dict[str, float]:
    """Mean scores over held-out samples, by the paper's protocol (flip average, 224x224).

    A prediction that is not finite raises ValueError.
    """
    was_training = network.training
    deployed = DeployedNetwork(network).to(device).eval()
    scores = []
    for start in range(0, len(samples), BATCH):
        image = samples.images[start : start + BATCH].to(device).float() / 255.0
        # To try every kernel, as training does, would take longer than the few batches there are.
        with torch.backends.cudnn.flags(enabled=True, benchmark=False):
            depth = 0.5 * (deployed(image) + deployed(image.flip(-1)).flip(-1))
        scores += [
            PROTOCOL.score(prediction.numpy(), truth.numpy())
            for prediction, truth in zip(
                depth[:, 0].cpu(), samples.depths[start : start + BATCH, 0].float(), strict=True
            )
        ]
    network.train(was_training)
    table = np.array([tuple(score.values()) for score in scores], dtype=np.float64)
    return dict(zip(metrics.NAMES, table.mean(axis=0).tolist(), strict=True))
