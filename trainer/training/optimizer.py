"""AdamW with a learning rate factor for each variable."""

from collections.abc import Sequence
from typing import Any

import keras


class LayerwiseAdamW(keras.optimizers.Adam):
    """AdamW (Loshchilov and Hutter 2019) with a learning rate of its own for each variable.

    Scaling the gradients would not do: Adam divides by their size. Weight decay acts on kernels only, not on
    biases and on normalisation's scales and offsets (all of rank one), and at the variable's own rate.

    Args:
        learning_rate: Number or schedule.
        weight_decay: Decay a step, as a multiple of the learning rate.
        variables: All that will be trained.
        factors: Each one's multiple of the learning rate.
    """

    def __init__(
        self,
        learning_rate: Any,
        weight_decay: float,
        variables: Sequence[keras.Variable],
        factors: Sequence[float],
    ):
        super().__init__(learning_rate=learning_rate, name="adamw")
        self._decay = weight_decay
        self._factors = list(factors)
        self.build(variables)

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Decays and moves one variable."""
        learning_rate = learning_rate * self._factors[self._get_variable_index(variable)]
        if self._decay and len(variable.shape) > 1:
            self.assign_sub(variable, variable * keras.ops.cast(learning_rate * self._decay, variable.dtype))
        super().update_step(gradient, variable, learning_rate)
