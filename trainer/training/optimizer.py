"""AdamW with a learning rate factor for each variable."""

from collections.abc import Sequence
from typing import Any

import keras


class LayerwiseAdamW(keras.optimizers.Adam):
    """AdamW (Loshchilov and Hutter 2019) with a learning rate of its own for each variable.

    Scaling the gradients has no effect, since Adam divides by their size. Weight decay applies to kernels
    only, not to biases or to the scales and offsets of normalization (all of rank one), at the variable's own
    rate.

    Args:
        learning_rate: Number or schedule.
        weight_decay: Decay per step, as a multiple of the learning rate.
        variables: All trained variables.
        factors: Factor of the learning rate for each variable.
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
