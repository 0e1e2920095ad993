"""Beam's part of judging: from serialized photos to counts, image bytes left behind."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow as tf
from apache_beam.utils.shared import Shared
from numpy.typing import NDArray
from tensorflow_model_analysis import constants

from components.metrics.summed_counts import COUNTS_KEY

NAME_FEATURE = "image/name"


class _EvaluateSignature:
    """A SavedModel's `evaluate` signature."""

    def __init__(self, path: str):
        self._model = tf.saved_model.load(path)
        self._signature = self._model.signatures["evaluate"]

    def __call__(self, examples: tf.Tensor) -> dict[str, NDArray[np.int64]]:
        return {output: counted.numpy() for output, counted in self._signature(examples=examples).items()}


class CountPixels(beam.DoFn):
    """Asks every model about a batch of raw tf.Examples and passes on what was counted.

    Yields one TFMA extract a photo: its name and slice features, and {model name: {output: counts}}. What
    comes after it (slicing copies each photo once a slice) therefore handles a few hundred bytes a photo.
    """

    def __init__(self, models: Mapping[str, str], features: Sequence[str]):
        """Takes what is asked and kept.

        Args:
            models: Path of the SavedModel by the model's name in the EvalConfig.
            features: Features of the raw example that are kept, besides its name.
        """
        self._paths = dict(models)
        self._features = (NAME_FEATURE, *features)
        self._shared = {name: Shared() for name in models}
        self._models: dict[str, _EvaluateSignature] = {}

    def setup(self) -> None:
        """Loads the models, once a process: threads of one worker share them."""
        self._models = {
            name: self._shared[name].acquire(partial(_EvaluateSignature, path))
            for name, path in self._paths.items()
        }

    def process(self, records: list[bytes]) -> Iterator[dict[str, Any]]:
        """Yields an extract for each of the serialized tf.Examples."""
        examples = tf.constant(records, tf.string)
        counted = {name: model(examples) for name, model in self._models.items()}
        for place, record in enumerate(records):
            yield {
                constants.FEATURES_KEY: self._read_features(record),
                COUNTS_KEY: {
                    name: {output: counts[place] for output, counts in outputs.items()}
                    for name, outputs in counted.items()
                },
            }

    def _read_features(self, record: bytes) -> dict[str, NDArray[Any]]:
        features = tf.train.Example.FromString(record).features.feature
        return {name: _values(features[name]) for name in self._features if name in features}


def _values(feature: tf.train.Feature) -> NDArray[Any]:
    kind = feature.WhichOneof("kind")
    if kind == "bytes_list":
        return np.array(feature.bytes_list.value, object)
    return np.array(getattr(feature, kind).value) if kind else np.array([])
