"""What an encoder's file offers, and how it is found."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from petseg.settings import Settings
from trainer.models.encoders import REGISTRY

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Encoder:
    """How an encoder is made.

    Attributes:
        taps: names of the layers with the last features at strides 2, 4, 8, 16 and 32.
        scale: from RGB, 0 to 255, to what the weights were trained with.
        application: name in keras.applications; None: `build` makes it, and there are no published weights.
        build: from scaled photos and the settings to a model, for an encoder that keras.applications lacks.
        settings: class of the settings that only this encoder has; None: it has none.
    """

    taps: tuple[str, ...]
    scale: Callable[[keras.KerasTensor], keras.KerasTensor]
    application: str | None = None
    build: Callable[[keras.KerasTensor, Any], keras.Model] | None = None
    settings: type[Settings] | None = None


def load_encoder(name: str) -> Encoder:
    """Imports the file of a registered encoder, and no other."""
    encoder: Encoder = importlib.import_module(REGISTRY[name]).ENCODER
    return encoder
