"""Raw examples: all of a split, its first photos, or some that a seed draws, and what is in them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
import tensorflow as tf

Features = Mapping[str, tf.train.Feature]


def read_records(files: Iterable[str]) -> Iterator[bytes]:
    """Raw tf.Examples of TFRecord files, in their order."""
    yield from tf.data.TFRecordDataset(list(files), "GZIP").as_numpy_iterator()


def first_photos(files: Sequence[str], count: int) -> list[bytes]:
    """The photos of the first examples, encoded; fewer where there are fewer."""
    return [_photo(record) for record, _ in zip(read_records(files), range(count), strict=False)]


def drawn_photos(files: Sequence[str], count: int, seed: int) -> list[bytes]:
    """Photos drawn evenly from all examples in one pass (Vitter 1985, algorithm R), encoded."""
    generator = np.random.default_rng(seed)
    drawn: list[bytes] = []
    for index, record in enumerate(read_records(files)):
        if index < count:
            drawn.append(_photo(record))
        elif (position := int(generator.integers(index + 1))) < count:
            drawn[position] = _photo(record)
    return drawn


def text_feature(features: Features, name: str) -> str | None:
    """The text of a feature; None where the example has none."""
    if name not in features:
        return None
    kind = features[name].WhichOneof("kind")
    values = getattr(features[name], kind).value if kind else ()
    if not values:
        return None
    return values[0].decode() if isinstance(values[0], bytes) else str(values[0])


def _photo(record: bytes) -> bytes:
    return tf.train.Example.FromString(record).features.feature["image/encoded"].bytes_list.value[0]
