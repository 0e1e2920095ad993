"""The signatures of the SavedModel, around a trained network."""

import keras
import tensorflow as tf

from trainer.data.geometry import photo_geometry
from trainer.data.geometry.resizing import resize_mask
from trainer.data.preprocessing import PARALLEL_PHOTOS, decode_mask, prepare_photo
from trainer.export.counts import PhotoCounts, counts_shapes, photo_counts
from trainer.settings import TrainingSettings

EXAMPLES_AT_ONCE = 32
"""Batch size of `evaluate` in the network: TFMA may send a thousand examples in one call."""


class Predictor:
    """What the signatures compute, as functions of tensors.

    Attributes:
        model: the trained network.
        settings: settings of the training.

    Examples:
        >>> from trainer.models import build_model
        >>> classes = [
        ...     {"value": 0, "name": "road", "color": "#808080"},
        ...     {"value": 1, "name": "car", "color": "#ff0000"},
        ... ]
        >>> small = {"architecture": "unet", "encoder": "plain", "encoder_width": 4, "image_size": 32}
        >>> settings = TrainingSettings(classes=classes, model=small)
        >>> predictor = Predictor(build_model(settings), settings)
        >>> outputs = predictor.images(tf.zeros([1, 20, 30, 3], tf.uint8))
        >>> {name: tuple(output.shape) for name, output in outputs.items()}
        {'mask': (1, 20, 30), 'probabilities': (1, 20, 30, 2)}
    """

    def __init__(self, model: keras.Model, settings: TrainingSettings):
        self.model = model
        self.settings = settings
        self._size = settings.model.input_size
        self._geometry = photo_geometry(settings.transform, self._size)
        self._classes = len(settings.classes)
        self._values = tf.constant(settings.classes.values, tf.uint8)
        self._shapes_per_photo = {
            output: [2, *shape] for output, shape in counts_shapes(self._classes).items()
        }
        # One traced function for all signatures: the SavedModel holds, and loads, the network once.
        self._logits = tf.function(
            lambda photos: model(photos, training=False),
            input_signature=[tf.TensorSpec([None, *self._size, 3], tf.float32)],
        )

    def probabilities(self, photos: tf.Tensor) -> tf.Tensor:
        """Softmax of the logits, averaged with that of the mirror image if `model.flip_tta` is on.

        Args:
            photos: uint8 [n, h, w, 3] at model resolution.

        Returns:
            float32 [n, h, w, classes].
        """
        photos = tf.cast(photos, tf.float32)
        probabilities = tf.nn.softmax(self._logits(photos))
        if self.settings.model.flip_tta:
            mirrored = tf.nn.softmax(self._logits(tf.reverse(photos, axis=[2])))
            probabilities = (probabilities + tf.reverse(mirrored, axis=[2])) / 2
        return probabilities

    def serving_default(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        """Segments photos of any size.

        Args:
            image_bytes: string [n], the bytes of JPEG, PNG, BMP or GIF files, of the same or different sizes.

        Returns:
            `mask_png_bytes`, string [n], PNGs with one channel of the classes' values at native resolution,
            upright; `class_shares`, float32 [n, classes], each class's share of the pixels; `confidence`,
            float32 [n], the mean probability of the predicted classes.
        """
        photos, native_sizes = self._prepare(image_bytes)
        return tf.map_fn(
            self._native_prediction,
            (self.probabilities(photos), native_sizes),
            fn_output_signature={
                "mask_png_bytes": tf.TensorSpec([], tf.string),
                "class_shares": tf.TensorSpec([self._classes], tf.float32),
                "confidence": tf.TensorSpec([], tf.float32),
            },
            parallel_iterations=PARALLEL_PHOTOS,
        )

    def model_resolution(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        """Segments photos of any size at model resolution.

        Args:
            image_bytes: string [n], the bytes of JPEG, PNG, BMP or GIF files, of the same or different sizes.

        Returns:
            `mask`, uint8 [n, h, w], class ids, and `probabilities`, float32 [n, h, w, classes], of the whole
            input, with the padding of `transform.fit: pad`.
        """
        probabilities = self.probabilities(self._prepare(image_bytes)[0])
        return {"mask": class_ids(probabilities), "probabilities": probabilities}

    def images(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Segments decoded photos of one size.

        Args:
            images: uint8 [n, H, W, 3], RGB, of any height and width.

        Returns:
            `mask`, uint8 [n, H, W], class ids, and `probabilities`, float32 [n, H, W, classes].
        """
        native_size = tf.shape(images)[1:3]
        probabilities = self._geometry.cut(self.probabilities(self._geometry.prepare(images)), native_size)
        probabilities = tf.image.resize(probabilities, native_size)
        return {"mask": class_ids(probabilities), "probabilities": probabilities}

    def evaluate(self, examples: tf.Tensor) -> dict[str, tf.Tensor]:
        """Counts what metrics are made of.

        Args:
            examples: string [n], raw tf.Examples with `image/encoded` and `mask/encoded`.

        Returns:
            int64 arrays, whose axis 1 is model resolution, then native resolution. `counts`
            [n, 2, classes, classes] has pixels by label and prediction. `boundary` [n, 2, classes, 2] has
            pixels in both and in at least one of the boundary bands of labels and prediction. `calibration`
            [n, 2, bins, 3] has, by confidence, pixels, correct pixels, and the sum of their confidences.
        """
        count = tf.size(examples)
        ends = tf.minimum(tf.range(0, count + EXAMPLES_AT_ONCE, EXAMPLES_AT_ONCE), count)
        shapes = self._shapes_per_photo
        counts = tf.map_fn(
            self._evaluate_batch,
            tf.RaggedTensor.from_row_splits(examples, tf.cast(ends, tf.int64)),
            fn_output_signature={
                output: tf.RaggedTensorSpec([None, *shape], tf.int64, ragged_rank=0)
                for output, shape in shapes.items()
            },
            parallel_iterations=1,
        )
        return {output: tf.reshape(counts[output].values, [-1, *shape]) for output, shape in shapes.items()}

    def _prepare(self, image_bytes: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Photos at model resolution, uint8 [n, h, w, 3], and their native sizes, int32 [n, 2]."""
        return tf.map_fn(
            lambda photo: prepare_photo(photo, self._geometry),
            image_bytes,
            fn_output_signature=(
                tf.TensorSpec([*self._size, 3], tf.uint8),
                tf.TensorSpec([2], tf.int32),
            ),
            parallel_iterations=PARALLEL_PHOTOS,
        )

    def _native_prediction(self, photo: tuple[tf.Tensor, tf.Tensor]) -> dict[str, tf.Tensor]:
        """Mask, shares and confidence of one photo at native resolution."""
        probabilities, native_size = photo
        probabilities = self._geometry.cut(probabilities, native_size)
        ids, confidences = most_probable_at(probabilities, native_size)
        pixels = tf.math.bincount(
            tf.cast(tf.reshape(ids, [-1]), tf.int32), minlength=self._classes, maxlength=self._classes
        )
        return {
            "mask_png_bytes": tf.io.encode_png(tf.gather(self._values, tf.cast(ids, tf.int32))[..., None]),
            "class_shares": tf.cast(pixels / tf.size(ids), tf.float32),
            "confidence": tf.reduce_mean(confidences),
        }

    def _evaluate_batch(self, examples: tf.Tensor) -> PhotoCounts:
        bytes_feature = tf.io.FixedLenFeature([], tf.string)
        raw = tf.io.parse_example(examples, {"image/encoded": bytes_feature, "mask/encoded": bytes_feature})
        photos, _ = self._prepare(raw["image/encoded"])
        return tf.map_fn(
            self._count_photo,
            (self.probabilities(photos), raw["mask/encoded"]),
            fn_output_signature={
                output: tf.TensorSpec(shape, tf.int64) for output, shape in self._shapes_per_photo.items()
            },
            parallel_iterations=PARALLEL_PHOTOS,
        )

    def _count_photo(self, photo: tuple[tf.Tensor, tf.Tensor]) -> PhotoCounts:
        """Counts of one photo, int64 [2, ...]."""
        probabilities, mask_bytes = photo
        labels = decode_mask(mask_bytes, self.settings.classes)
        probabilities = self._geometry.cut(probabilities, tf.shape(labels))
        at_model_resolution = photo_counts(
            resize_mask(labels, tf.shape(probabilities)[:2]),
            class_ids(probabilities),
            tf.reduce_max(probabilities, axis=-1),
            self._classes,
        )
        at_native_resolution = photo_counts(
            labels, *most_probable_at(probabilities, tf.shape(labels)), classes=self._classes
        )
        return {
            output: tf.stack([at_model_resolution[output], at_native_resolution[output]])
            for output in at_native_resolution
        }


def class_ids(probabilities: tf.Tensor) -> tf.Tensor:
    """The most probable class: float32 [..., classes] to uint8 [...]."""
    return tf.cast(tf.argmax(probabilities, axis=-1, output_type=tf.int32), tf.uint8)


def most_probable_at(probabilities: tf.Tensor, native_size: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """The most probable class at native resolution, to which the probabilities are resized bilinearly.

    Args:
        probabilities: float32 [h, w, classes].
        native_size: int32 [2], height and width in pixels.

    Returns:
        Class ids, uint8 [height, width], and their probabilities, float32 [height, width].
    """
    best = tf.image.resize(probabilities[..., :1], native_size)
    ids = tf.zeros_like(best, tf.uint8)
    # Class by class, which needs less memory than a large photo's probabilities of all classes.
    for index in range(1, probabilities.shape[-1]):
        other = tf.image.resize(probabilities[..., index : index + 1], native_size)
        ids = tf.where(other > best, tf.constant(index, tf.uint8), ids)
        best = tf.maximum(other, best)
    return ids[..., 0], best[..., 0]
