"""Beam's part of the evaluation: from serialized photos to counts, without the image bytes."""

import hashlib
import threading
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import apache_beam as beam
import numpy as np
import tensorflow as tf
from apache_beam.utils.shared import Shared
from numpy.typing import NDArray
from tensorflow_model_analysis import constants

from components.evaluator.known_counts import KnownCounts, decode_counts
from components.evaluator.metrics.summed_counts import COUNTS_KEY, Counted
from components.evaluator.upright_photos import with_upright_photo
from petseg.segmenter import obeys_exif

NAME_FEATURE = "image/name"
RECORD_KEY = "record"
"""Key of the extracts with the SHA-256 of the raw example, the key of known counts."""


class _EvaluateSignature:
    """A SavedModel's `evaluate` signature."""

    def __init__(self, path: str):
        self._model = tf.saved_model.load(path)
        self._signature = self._model.signatures["evaluate"]
        self._obeys_exif = obeys_exif(path)

    def __call__(self, records: list[bytes]) -> list[Counted]:
        if not self._obeys_exif:
            records = [with_upright_photo(record) for record in records]
        counted = self._signature(examples=tf.constant(records, tf.string))
        outputs = {output: counts.numpy() for output, counts in counted.items()}
        return [
            {output: counts[index] for output, counts in outputs.items()} for index in range(len(records))
        ]


class _Models:
    """The models of one evaluation; each is loaded at its first use and kept.

    They are in one object because Beam keeps only the shared object that was acquired last: of two objects,
    each would be loaded again for every batch.
    """

    def __init__(self, paths: Mapping[str, str]):
        self._paths = paths
        self._loaded: dict[str, _EvaluateSignature] = {}
        self._lock = threading.Lock()

    def __getitem__(self, name: str) -> _EvaluateSignature:
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = _EvaluateSignature(self._paths[name])
            return self._loaded[name]


class CountPixels(beam.DoFn):
    """Runs every model on a batch of raw tf.Examples and yields their counts.

    Yields one TFMA extract for each photo: its name and slice features, and {model name: {output: counts}}.
    The steps that follow (slicing copies each photo once per slice) handle a few hundred bytes per photo.
    """

    def __init__(self, models: Mapping[str, str], features: Sequence[str], known_counts: Mapping[str, str]):
        """Initializes the step.

        Args:
            models: Path of the SavedModel by the model's name in the EvalConfig.
            features: Features of the raw example to keep, besides its name.
            known_counts: File of known counts by the model's name, for models that were evaluated on the same
                photos before.
        """
        self._paths = dict(models)
        self._features = (NAME_FEATURE, *features)
        self._known_files = dict(known_counts)
        self._shared = Shared()
        self._known: dict[str, KnownCounts] = {}

    def setup(self) -> None:
        """Opens the known counts. A model is loaded only when a photo is not among them."""
        self._known = {name: KnownCounts(file) for name, file in self._known_files.items()}

    def process(self, records: list[bytes]) -> Iterator[dict[str, Any]]:
        """Yields an extract for each of the serialized tf.Examples."""
        digests = [hashlib.sha256(record).digest() for record in records]
        counted = {name: self._counts(name, records, digests) for name in self._paths}
        for index, (record, digest) in enumerate(zip(records, digests, strict=True)):
            yield {
                constants.FEATURES_KEY: self._read_features(record),
                RECORD_KEY: digest,
                COUNTS_KEY: {name: counts[index] for name, counts in counted.items()},
            }

    def _counts(self, name: str, records: list[bytes], digests: list[bytes]) -> list[Counted]:
        if name in self._known:
            known = [self._known[name].get(digest) for digest in digests]
            if None not in known:
                return [decode_counts(counted) for counted in known if counted is not None]
        # Loaded once per process: the threads of a worker share them.
        models = self._shared.acquire(lambda: _Models(self._paths))
        return models[name](records)

    def _read_features(self, record: bytes) -> dict[str, NDArray[Any]]:
        features = tf.train.Example.FromString(record).features.feature
        return {name: _values(features[name]) for name in self._features if name in features}


def _values(feature: tf.train.Feature) -> NDArray[Any]:
    kind = feature.WhichOneof("kind")
    if kind == "bytes_list":
        return np.array(feature.bytes_list.value, object)
    return np.array(getattr(feature, kind).value) if kind else np.array([])
