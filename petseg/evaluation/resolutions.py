"""The two resolutions at which predictions are compared with labels."""

from typing import Literal

Resolution = Literal["model", "native"]

RESOLUTIONS: tuple[Resolution, ...] = ("model", "native")
"""That of the model's input, and that of each photo: axis 1 of every output of `evaluate`, the first part of
metric names, and the groups of metrics.json."""

RESOLUTION_TITLES: dict[Resolution, str] = {"model": "model resolution", "native": "native resolution"}

FORMER_NATIVE = "photo"
"""What the last release called `native`. Its names are read for one release."""
