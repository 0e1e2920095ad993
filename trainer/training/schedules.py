"""Learning rate schedule."""

import math
from typing import Any

import keras
from keras import ops


@keras.saving.register_keras_serializable("petseg")
class WarmUpSchedule(keras.optimizers.schedules.LearningRateSchedule):
    """Linear warm-up to a peak, then constant or a cosine decay to zero.

    The cosine is that of Loshchilov and Hutter 2017, "SGDR", without restarts. The first step has
    rate peak / warmup_steps, and the step after the last would have rate 0.

    Args:
        peak: Highest learning rate.
        warmup_steps: Steps of the warm-up; 0: none.
        total_steps: Steps of the whole training.
        shape: `cosine` or `constant`, the course after the warm-up.
    """

    def __init__(self, peak: float, warmup_steps: int, total_steps: int, shape: str = "cosine"):
        super().__init__()
        if shape not in ("cosine", "constant"):
            raise ValueError(f"shape must be 'cosine' or 'constant'. Received instead: {shape!r}")
        self.peak = peak
        self.warmup_steps = warmup_steps
        self.total_steps = total_steps
        self.shape = shape

    def __call__(self, step: Any) -> Any:
        """Learning rate of a step, counted from 0."""
        step = ops.cast(step, "float32")
        rise = (step + 1) / max(self.warmup_steps, 1)
        fall: Any = 1.0
        if self.shape == "cosine":
            done = (step - self.warmup_steps) / max(self.total_steps - self.warmup_steps, 1)
            fall = 0.5 * (1 + ops.cos(math.pi * ops.clip(done, 0.0, 1.0)))
        return self.peak * ops.where(step < self.warmup_steps, rise, fall)

    def get_config(self) -> dict[str, Any]:
        """The arguments of the constructor."""
        return {
            "peak": self.peak,
            "warmup_steps": self.warmup_steps,
            "total_steps": self.total_steps,
            "shape": self.shape,
        }
