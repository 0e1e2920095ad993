"""The signatures of the SavedModel, around a trained network."""

import keras
import tensorflow as tf

from trainer.data.geometry import WholePhoto, photo_geometry
from trainer.data.preprocessing import decode_mask
from trainer.export.counts import PhotoCounts, counts_shapes, photo_counts
from trainer.export.segmentation import SegmentedPhoto, class_ids, make_segmenter, prepare_photos
from trainer.settings import TrainingSettings


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
        self._classes = len(settings.classes)
        self._geometry = photo_geometry(settings.transform, settings.model.input_size)
        self._segmenter = make_segmenter(self._geometry, self.probabilities, self._classes)
        self._values = tf.constant(settings.classes.values, tf.uint8)
        self._shapes_per_photo = {
            output: [2, *shape] for output, shape in counts_shapes(self._classes).items()
        }
        # One traced function for all signatures: the SavedModel holds, and loads, the network once.
        self._logits = tf.function(
            lambda photos: model(photos, training=False),
            input_signature=[tf.TensorSpec([None, *settings.model.input_size, 3], tf.float32)],
        )

    def probabilities(self, photos: tf.Tensor) -> tf.Tensor:
        """Softmax of the logits, averaged with that of the mirror image if `model.flip_tta` is on.

        Args:
            photos: uint8 [n, H, W, 3], photos or windows of them at model resolution.

        Returns:
            float32 [n, H, W, classes].
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
        return self._segmenter.each(
            image_bytes,
            self._native_prediction,
            {
                "mask_png_bytes": tf.TensorSpec([], tf.string),
                "class_shares": tf.TensorSpec([self._classes], tf.float32),
                "confidence": tf.TensorSpec([], tf.float32),
            },
        )

    @property
    def has_model_resolution(self) -> bool:
        """Whether there is a model resolution of one size: not with `fit: tile`."""
        return isinstance(self._geometry, WholePhoto)

    def model_resolution(self, image_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        """Segments photos of any size at model resolution. A model with `transform.fit: tile` has it not.

        With `fit: pad` the photo lies in the middle; around it is the prediction of the padding.

        Args:
            image_bytes: string [n], the bytes of JPEG, PNG, BMP or GIF files, of the same or different sizes.

        Returns:
            `mask`, uint8 [n, H, W], class ids, and `probabilities`, float32 [n, H, W, classes].
        """
        if not isinstance(self._geometry, WholePhoto):
            raise ValueError(
                "transform.fit must be stretch or pad; windows of photos have no resolution alike"
            )
        probabilities = self.probabilities(prepare_photos(image_bytes, self._geometry)[0])
        return {"mask": class_ids(probabilities), "probabilities": probabilities}

    def images(self, images: tf.Tensor) -> dict[str, tf.Tensor]:
        """Segments decoded photos of one size.

        Args:
            images: uint8 [n, h, w, 3], RGB, of any height and width.

        Returns:
            `mask`, uint8 [n, h, w], class ids, and `probabilities`, float32 [n, h, w, classes].
        """
        probabilities = self._segmenter.probabilities(images)
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
        bytes_feature = tf.io.FixedLenFeature([], tf.string)
        raw = tf.io.parse_example(examples, {"image/encoded": bytes_feature, "mask/encoded": bytes_feature})
        signature = {
            output: tf.TensorSpec(shape, tf.int64) for output, shape in self._shapes_per_photo.items()
        }
        return self._segmenter.each(raw["image/encoded"], self._count_photo, signature, raw["mask/encoded"])

    def _native_prediction(self, photo: SegmentedPhoto) -> dict[str, tf.Tensor]:
        """Mask, shares and confidence of one photo at native resolution."""
        ((ids, confidences),) = photo.predictions("native")
        pixels = tf.math.bincount(
            tf.cast(tf.reshape(ids, [-1]), tf.int32), minlength=self._classes, maxlength=self._classes
        )
        return {
            "mask_png_bytes": tf.io.encode_png(tf.gather(self._values, tf.cast(ids, tf.int32))[..., None]),
            "class_shares": tf.cast(pixels / tf.size(ids), tf.float32),
            "confidence": tf.reduce_mean(confidences),
        }

    def _count_photo(self, photo: SegmentedPhoto, mask_bytes: tf.Tensor) -> PhotoCounts:
        """Counts of one photo, int64 [2, ...]."""
        labels = decode_mask(mask_bytes, self.settings.classes)
        at_both = [
            photo_counts(labels_there, *prediction, classes=self._classes)
            for labels_there, prediction in zip(
                (photo.labels(labels), labels), photo.predictions("model", "native"), strict=True
            )
        ]
        return {output: tf.stack([counts[output] for counts in at_both]) for output in at_both[0]}
