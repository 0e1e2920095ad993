"""Networks and examples for the tests of what is exported."""

import numpy as np
import tensorflow as tf

from tests.trainer.pictures import smooth_photo
from trainer.data.geometry import photo_geometry
from trainer.data.preprocessing import prepare_photo
from trainer.data.transform_settings import TransformSettings
from trainer.models import build_model

SIZE = 64


def trained(settings):
    """A network whose predictions use every class and differ for the mirror image, as a trained one's do."""
    model = build_model(settings)
    random = np.random.default_rng(0)
    photos = np.stack([smooth_photo(random, *settings.model.input_size) for _ in range(4)]).astype(np.float32)
    scores = [
        layer
        for layer in model.layers
        if hasattr(layer, "kernel") and layer.output.shape[-1] == len(settings.classes)
    ]
    for layer in scores:
        layer.kernel.assign(random.normal(size=layer.kernel.shape))
    spread = np.std(model(photos), axis=(0, 1, 2)).mean()
    for layer in scores:
        layer.kernel.assign(layer.kernel * 3 / spread)
    scores[-1].bias.assign(-np.mean(model(photos), axis=(0, 1, 2)))
    return model


def example(image_bytes, mask_bytes):
    features = {
        key: tf.train.Feature(bytes_list=tf.train.BytesList(value=[value]))
        for key, value in {
            "image/encoded": image_bytes,
            "mask/encoded": mask_bytes,
            "image/name": b"a",
        }.items()
    }
    return tf.train.Example(features=tf.train.Features(feature=features)).SerializeToString()


def prepared(photos):
    geometry = photo_geometry(TransformSettings(), (SIZE, SIZE))
    return np.stack([prepare_photo(tf.constant(photo), geometry)[0] for photo in photos])
