"""Length of the warm-up: how many of a session's first samples are not yet like the rest."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

BATCH = 5


def warm_up_length(samples: Sequence[float]) -> int:
    """Samples at the beginning that are best left out, by MSER-5 (White 1997): a multiple of 5.

    Of all cuts in the first half, the one after which the mean of what is left is known best:
    the squared error of the mean of batches of five, rest by rest, is least. 0 for fewer than
    twenty samples. Batches count by their medians, so that one disturbed sample does not make a
    cut.
    """
    batches = len(samples) // BATCH
    if batches < 4:
        return 0
    values = np.median(np.reshape(samples[: batches * BATCH], (batches, BATCH)), axis=1)
    cuts = range(batches // 2 + 1)
    errors = [float(values[cut:].var() / (batches - cut)) for cut in cuts]
    return BATCH * int(np.argmin(errors))


def warm_up_excess(samples: Sequence[float]) -> tuple[int, float]:
    """The length of the warm-up, and by how much its median is above that of the rest (a share)."""
    length = warm_up_length(samples)
    if not length:
        return 0, 0.0
    excess = float(np.median(samples[:length]) / np.median(samples[length:]) - 1)
    return length, excess
