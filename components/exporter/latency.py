"""Seconds of one photo through an exported network, with the float network beside it."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

WARM_UP = 5
FEWEST = 50
"""Measured photos, by turns through both networks; fewer photos are taken several times."""


@dataclass(frozen=True)
class Latency:
    """Milliseconds of one photo at model resolution, from the input to the logits.

    Attributes:
        median: of the file.
        p95: its 95th percentile.
        model_median: of the float network in TensorFlow, in the same minutes.
        model_p95: its 95th percentile.
        photos: how many were measured.
    """

    median: float
    p95: float
    model_median: float
    model_p95: float
    photos: int


def measure(
    file: Callable[[NDArray[np.float32]], Any],
    model: Callable[[NDArray[np.float32]], Any],
    photos: NDArray[np.uint8],
) -> Latency:
    """Runs both networks by turns, after a warm-up.

    Args:
        file: The exported network.
        model: The float network.
        photos: uint8 [n, height, width, 3] at model resolution.
    """
    count = max(FEWEST, len(photos))
    seconds: dict[str, list[float]] = {"file": [], "model": []}
    for index in range(WARM_UP + count):
        photo = photos[index % len(photos)][None].astype(np.float32)
        for name, network in (("file", file), ("model", model)):
            begin = time.perf_counter()
            network(photo)
            seconds[name].append(time.perf_counter() - begin)
    milliseconds = {name: 1000 * np.array(values[WARM_UP:]) for name, values in seconds.items()}
    (median, p95), (model_median, model_p95) = (
        (round(float(share), 3) for share in np.percentile(values, [50, 95]))
        for values in milliseconds.values()
    )
    return Latency(median, p95, model_median, model_p95, count)
