"""Keras and TensorFlow, imported when first used.

Architectures, encoders, losses and augmentations keep their settings in the same file as their code, and
settings must be read in a moment: TensorFlow takes about ten seconds to import.

A module that takes its names from here must not use them while it is imported. It needs
`from __future__ import annotations`, and its own `keras.Layer` classes go into a module that imports Keras.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import keras
    import tensorflow as tf
    from keras import layers, ops
else:

    class _LazyModule:
        def __init__(self, package: str, name: str = ""):
            self._package, self._name = package, name

        def __getattr__(self, attribute: str) -> Any:
            package = importlib.import_module(self._package)
            return getattr(getattr(package, self._name) if self._name else package, attribute)

    keras = _LazyModule("keras")
    layers = _LazyModule("keras", "layers")
    ops = _LazyModule("keras", "ops")
    tf = _LazyModule("tensorflow")

__all__ = ["keras", "layers", "ops", "tf"]
