"""From the files of photos to predictions, for each fit: what all signatures share."""

from collections.abc import Callable
from typing import Any, Protocol

import tensorflow as tf

from petseg.evaluation.resolutions import Resolution
from petseg.tf_photo import decode_photo
from trainer.data.geometry import Geometry, Tiles, WholePhoto
from trainer.data.geometry.resizing import resize_mask
from trainer.data.preprocessing import PARALLEL_PHOTOS, prepare_photo
from trainer.export.most_probable import most_probable_at

Predict = Callable[[tf.Tensor], tf.Tensor]
"""From photos or windows, uint8 [n, H, W, 3], to probabilities, float32 [n, H, W, classes]."""

Prediction = tuple[tf.Tensor, tf.Tensor]
"""Class ids, uint8 [h, w], and their probabilities, float32 [h, w]."""

PHOTOS_AT_ONCE = 32
PHOTO_VALUES = 1 << 25
"""Photos that are predicted at once, of one request or of a thousand examples from TFMA, and values of their
probabilities, 128 MB, which many classes have in fewer photos."""

WINDOW_PIXELS = 1 << 19
WINDOW_VALUES = 1 << 24
"""Pixels of the windows that are predicted at once, and values of their probabilities."""


class SegmentedPhoto(Protocol):
    """A photo and what a network makes of it."""

    def predictions(self, *resolutions: Resolution) -> list[Prediction]:
        """The prediction at each of these resolutions."""

    def labels(self, ids: tf.Tensor) -> tf.Tensor:
        """The labels of the photo, uint8 [h, w], at model resolution."""


class Segmenter(Protocol):
    """How photos are segmented with one fit."""

    def each(self, image_bytes: tf.Tensor, use: Callable[..., Any], signature: Any, *more: tf.Tensor) -> Any:
        """Segments photos of all sizes.

        Args:
            image_bytes: string [n], the files.
            use: From a `SegmentedPhoto` and its entries of `more` to tensors.
            signature: Their types, for one photo; see `tf.map_fn`.
            more: Tensors [n, ...].

        Returns:
            What `use` returns, stacked.
        """

    def probabilities(self, images: tf.Tensor) -> tf.Tensor:
        """Segments decoded photos of one size, uint8 [n, h, w, 3] to float32 [n, h, w, classes]."""


def make_segmenter(geometry: Geometry, predict: Predict, classes: int) -> Segmenter:
    """The segmenter of a geometry, for a network that tells a number of classes apart."""
    if isinstance(geometry, Tiles):
        return _TileSegmenter(geometry, predict, classes)
    return _WholePhotoSegmenter(geometry, predict, classes)


class _WholePhotoSegmenter:
    """Gives the network batches of whole photos."""

    def __init__(self, geometry: WholePhoto, predict: Predict, classes: int):
        self._geometry = geometry
        self._predict = predict
        height, width = geometry.size
        self._at_once = max(1, min(PHOTOS_AT_ONCE, PHOTO_VALUES // (height * width * classes)))

    def each(self, image_bytes: tf.Tensor, use: Callable[..., Any], signature: Any, *more: tf.Tensor) -> Any:
        count = tf.size(image_bytes)
        ends = tf.minimum(tf.range(0, count + self._at_once, self._at_once), count)
        batches = [
            tf.RaggedTensor.from_row_splits(rows, tf.cast(ends, tf.int64)) for rows in (image_bytes, *more)
        ]
        results = tf.map_fn(
            lambda batch: self._each_of_batch(batch[0], use, signature, *batch[1:]),
            tuple(batches),
            fn_output_signature=tf.nest.map_structure(
                lambda spec: tf.RaggedTensorSpec([None, *spec.shape], spec.dtype, ragged_rank=0), signature
            ),
            parallel_iterations=1,
        )
        return tf.nest.map_structure(
            lambda spec, result: tf.reshape(result.values, [-1, *spec.shape]), signature, results
        )

    def _each_of_batch(
        self, image_bytes: tf.Tensor, use: Callable[..., Any], signature: Any, *more: tf.Tensor
    ) -> Any:
        photos, native_sizes = prepare_photos(image_bytes, self._geometry)

        def use_one(row: tuple[tf.Tensor, ...]) -> Any:
            probabilities, native_size, *rest = row
            return use(_Whole(self._geometry.cut(probabilities, native_size), native_size), *rest)

        return tf.map_fn(
            use_one,
            (self._predict(photos), native_sizes, *more),
            fn_output_signature=signature,
            parallel_iterations=PARALLEL_PHOTOS,
        )

    def probabilities(self, images: tf.Tensor) -> tf.Tensor:
        native_size = tf.shape(images)[1:3]
        probabilities = self._geometry.cut(self._predict(self._geometry.prepare(images)), native_size)
        return tf.image.resize(probabilities, native_size)


class _Whole:
    """A `SegmentedPhoto` with the probabilities of the whole photo, float32 [h', w', classes]."""

    def __init__(self, probabilities: tf.Tensor, native_size: tf.Tensor):
        self._probabilities = probabilities
        self._native_size = native_size

    def predictions(self, *resolutions: Resolution) -> list[Prediction]:
        return [
            most_probable(self._probabilities)
            if resolution == "model"
            else most_probable_at(self._probabilities, self._native_size)
            for resolution in resolutions
        ]

    def labels(self, ids: tf.Tensor) -> tf.Tensor:
        return resize_mask(ids, tf.shape(self._probabilities)[:2])


class _TileSegmenter:
    """Gives the network a photo after the other, window by window."""

    def __init__(self, tiles: Tiles, predict: Predict, classes: int):
        self._tiles = tiles
        self._predict = predict
        height, width = tiles.size
        self._at_once = max(1, min(WINDOW_PIXELS, WINDOW_VALUES // classes) // (height * width))

    def each(self, image_bytes: tf.Tensor, use: Callable[..., Any], signature: Any, *more: tf.Tensor) -> Any:
        def use_one(row: tuple[tf.Tensor, ...]) -> Any:
            file, *rest = row
            return use(_Tiled(decode_photo(file), self._tiles, self._predict, self._at_once), *rest)

        return tf.map_fn(use_one, (image_bytes, *more), fn_output_signature=signature, parallel_iterations=1)

    def probabilities(self, images: tf.Tensor) -> tf.Tensor:
        def of_one(image: tf.Tensor) -> tf.Tensor:
            prepared = self._tiles.prepare(image)
            ((probabilities,),) = self._tiles.slide(
                prepared, self._predict, lambda kept: [kept], [tf.float32], at_once=self._at_once
            )
            return tf.image.resize(probabilities, tf.shape(image)[:2])

        return tf.map_fn(of_one, images, fn_output_signature=tf.float32, parallel_iterations=1)


class _Tiled:
    """A `SegmentedPhoto` whose windows are predicted when its predictions are asked for."""

    def __init__(self, photo: tf.Tensor, tiles: Tiles, predict: Predict, at_once: int):
        self._photo = photo
        self._tiles = tiles
        self._predict = predict
        self._at_once = at_once

    def predictions(self, *resolutions: Resolution) -> list[Prediction]:
        own_pixels = self._tiles.scale == 1
        native_size = None if own_pixels else tf.shape(self._photo)[:2]
        sizes = [None if resolution == "model" else native_size for resolution in resolutions]
        results = self._tiles.slide(
            self._tiles.prepare(self._photo),
            self._predict,
            most_probable,
            [tf.uint8, tf.float32],
            at_once=self._at_once,
            result_sizes=sizes[:1] if own_pixels else sizes,
        )
        predictions = [(ids, confidence) for ids, confidence in results]
        return predictions * len(sizes) if own_pixels else predictions

    def labels(self, ids: tf.Tensor) -> tf.Tensor:
        return self._tiles.prepare_mask(ids)


def prepare_photos(image_bytes: tf.Tensor, geometry: WholePhoto) -> tuple[tf.Tensor, tf.Tensor]:
    """The model's input for files of photos, uint8 [n, H, W, 3], and their native sizes, int32 [n, 2]."""
    return tf.map_fn(
        lambda photo: prepare_photo(photo, geometry),
        image_bytes,
        fn_output_signature=(tf.TensorSpec([*geometry.size, 3], tf.uint8), tf.TensorSpec([2], tf.int32)),
        parallel_iterations=PARALLEL_PHOTOS,
    )


def class_ids(probabilities: tf.Tensor) -> tf.Tensor:
    """The most probable class: float32 [..., classes] to uint8 [...]."""
    return tf.cast(tf.argmax(probabilities, axis=-1, output_type=tf.int32), tf.uint8)


def most_probable(probabilities: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Class ids, uint8 [...], and their probabilities, float32 [...], from float32 [..., classes]."""
    return class_ids(probabilities), tf.reduce_max(probabilities, axis=-1)
