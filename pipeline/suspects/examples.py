"""Reads the raw examples of a run, and lets its model count them."""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np
import tensorflow as tf
from google.protobuf.message import DecodeError

from components.evaluator.upright_photos import with_upright_photo
from petseg.errors import UserError
from petseg.evaluation.resolutions import RESOLUTIONS
from petseg.metrics.counting import CALIBRATION, CONFUSION
from petseg.overlay import class_ids_of
from petseg.segmenter import Segmenter, obeys_exif
from petseg.shards import shard_files
from petseg.tf_data import without_autotuning
from pipeline.suspects.ranking import Counted

BATCH = 32
NATIVE = RESOLUTIONS.index("native")
COUNTING_ERRORS = (tf.errors.OpError, OSError, ValueError)
"""What TensorFlow and Pillow raise for photos and masks that they cannot decode."""


class ExampleError(Exception):
    """An example that the model cannot take. The message is the reason."""


@dataclass(frozen=True)
class RawExample:
    """A raw example.

    Attributes:
        name: Of the photo.
        photo: The encoded photo.
        mask: The encoded mask, values of the class table.
        record: The serialized tf.Example.
    """

    name: str
    photo: bytes
    mask: bytes
    record: bytes


class CountingModel(Segmenter):
    """A model that also counts raw examples, as Evaluator does."""

    def __init__(self, folder: str):
        """Loads the SavedModel, see `load_segmenter`.

        Raises:
            UserError: It does not count pixels by confidence.
        """
        super().__init__(folder)
        self._evaluate = self._model.signatures["evaluate"]
        if CALIBRATION not in self._evaluate.structured_outputs:
            raise UserError(
                f"{folder}: this model is of an older release and does not count pixels by confidence; train "
                "it again"
            )
        self._obeys_exif = obeys_exif(folder)

    def count(self, examples: list[RawExample]) -> list[Counted]:
        """Counts a batch of examples; one that cannot be counted costs no other."""
        try:
            return self._count(examples)
        except COUNTING_ERRORS as error:
            if len(examples) > 1:
                return [counted for example in examples for counted in self.count([example])]
            return [Counted(examples[0].name, reason=_first_line(error))]

    def _count(self, examples: list[RawExample]) -> list[Counted]:
        records = [
            example.record if self._obeys_exif else with_upright_photo(example.record) for example in examples
        ]
        counts = self._evaluate(examples=tf.constant(records, tf.string))
        confusion, calibration = (counts[output].numpy()[:, NATIVE] for output in (CONFUSION, CALIBRATION))
        return [
            Counted(example.name, *arrays)
            for example, *arrays in zip(examples, confusion, calibration, strict=True)
        ]

    def count_all(self, folder: Path) -> Iterator[Counted]:
        """Counts the raw examples of a split."""
        examples = read_examples(folder)
        while batch := list(islice(examples, BATCH)):
            yield from (one for one in batch if isinstance(one, Counted))
            if readable := [one for one in batch if isinstance(one, RawExample)]:
                yield from self.count(readable)

    def predict(self, example: RawExample) -> tuple[bytes, np.ndarray]:
        """The photo, encoded and upright, and the class ids predicted for it, uint8 [height, width].

        Raises:
            ExampleError: The photo cannot be decoded.
        """
        try:
            photo = raw_example(with_upright_photo(example.record)).photo
            (prediction,) = self([photo])
            return photo, class_ids_of(prediction.values, self.classes)
        except COUNTING_ERRORS as error:
            raise ExampleError(_first_line(error)) from None


def read_examples(folder: Path) -> Iterator[RawExample | Counted]:
    """Yields the raw examples of a split; where a file ends in the middle, the reason."""
    for file in shard_files([f"{folder}/*"]):
        records = without_autotuning(tf.data.TFRecordDataset([file], compression_type="GZIP"))
        try:
            for number, record in enumerate(records.as_numpy_iterator()):
                try:
                    yield raw_example(record)
                except (DecodeError, IndexError):
                    yield Counted(f"{Path(file).name}:{number}", reason="it is no raw example")
        except tf.errors.OpError as error:
            yield Counted(Path(file).name, reason=f"the file cannot be read on: {_first_line(error)}")


def read_named(folder: Path, names: Collection[str]) -> Iterator[RawExample]:
    """Yields the raw examples of a split with these names."""
    for example in read_examples(folder):
        if isinstance(example, RawExample) and example.name in names:
            yield example


def raw_example(record: bytes) -> RawExample:
    """Parses a serialized tf.Example.

    Raises:
        DecodeError: It is none.
        IndexError: It has no name, photo or mask.
    """
    features = tf.train.Example.FromString(record).features.feature
    name, photo, mask = (
        features[key].bytes_list.value[0] for key in ("image/name", "image/encoded", "mask/encoded")
    )
    return RawExample(name.decode(), photo, mask, record)


def _first_line(error: Exception) -> str:
    said = getattr(error, "message", None) or str(error)
    return " ".join(said.strip().splitlines()[:1]) or type(error).__name__
