"""What an architecture's file offers, and how it is found."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from trainer.models import REGISTRY
from trainer.models.encoders import STRIDES

if TYPE_CHECKING:
    import keras

    from petseg.class_table import ClassTable
    from trainer.losses import AuxiliaryLoss
    from trainer.models.settings import ModelSettings


@dataclass(frozen=True)
class Architecture:
    """How a network is made from an encoder.

    Attributes:
        settings: class of its settings.
        decode: makes logits, [n, H, W, classes], from the encoder's features, the number of classes and the
            settings.
        taps: encoder name to the layers whose outputs it takes instead of the usual ones.
        strides: of the features that it takes. If they are not the usual ones, only encoders in `taps` work.
        load_weights: gives the decoder the weights that the encoder's weights file has for it.
        auxiliary_loss: makes the loss that the network learns from besides the segmentation loss.
    """

    settings: type[ModelSettings]
    decode: Callable[[list[keras.KerasTensor], int, Any], keras.KerasTensor]
    taps: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    strides: tuple[int, ...] = STRIDES
    load_weights: Callable[[keras.Model, Any], None] | None = None
    auxiliary_loss: Callable[[keras.Model, Any, ClassTable], AuxiliaryLoss] | None = None


def load_architecture(name: str) -> Architecture:
    """Imports the file of a registered architecture, and no other."""
    architecture: Architecture = importlib.import_module(REGISTRY[name]).ARCHITECTURE
    return architecture
