"""With a network that copies its input, labels put in as photos come back where they were, with every fit."""

import io
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from tests.exif_files import ORIENTATIONS, turned_jpeg
from tests.trainer.export.networks import example
from tests.trainer.pictures import THREE_CLASSES, encode, encode_mask
from trainer.export.signatures import Predictor
from trainer.settings import TrainingSettings

SIZE = (64, 96)
TRANSFORMS = {
    "stretch": {"fit": "stretch"},
    "pad": {"fit": "pad"},
    "tile": {"fit": "tile", "overlap": 16},
    "tile at half size": {"fit": "tile", "scale": 0.5},
    "tile at double size": {"fit": "tile", "scale": 2.0},
}
VALUES = np.array([entry["value"] for entry in THREE_CLASSES], np.uint8)


def copying_network(size=SIZE):
    """A network whose logits are the colors: a pixel of the color of channel k is predicted as class k."""
    inputs = keras.Input((*size, 3))
    return keras.Model(inputs, keras.layers.Rescaling(1 / 25)(inputs))


def predictor_of(transform, **model):
    settings = TrainingSettings(
        classes=THREE_CLASSES,
        transform=TRANSFORMS[transform],
        model={"encoder": "plain", "encoder_width": 4, "image_size": SIZE} | model,
    )
    return Predictor(copying_network(), settings)


@pytest.fixture(scope="module", params=TRANSFORMS)
def signatures(request):
    """The functions of a copying network with one fit: serving_default, images, evaluate."""
    predictor = predictor_of(request.param)
    strings = [tf.TensorSpec([None], tf.string)]
    return {
        "fit": request.param,
        "serving_default": tf.function(predictor.serving_default, input_signature=strings),
        "evaluate": tf.function(predictor.evaluate, input_signature=strings),
        "images": tf.function(
            predictor.images, input_signature=[tf.TensorSpec([None, None, None, 3], tf.uint8)]
        ),
    }


def labels_of(height, width, seed=0):
    """Class ids in at most 4 x 4 blocks."""
    random = np.random.default_rng(seed)
    coarse = random.integers(0, 3, (min(4, height), min(4, width)))
    rows, columns = (
        np.arange(side) * count // side for side, count in zip((height, width), coarse.shape, strict=True)
    )
    return coarse[rows][:, columns].astype(np.uint8)


def photo_of(ids):
    return (np.eye(3, dtype=np.uint8) * 255)[ids]


def most_edge_pixels(height, width, fit):
    """Share of the pixels that resizing there and back may move over the edge of a block."""
    if fit == "tile":
        return 0
    lost = sum(
        min(4, side) * 2 / side * max(1, side / least)
        for side, least in zip((height, width), (32, 32), strict=True)
    )
    return min(1, lost)


def masks_of(outputs):
    return [np.asarray(Image.open(io.BytesIO(png))) for png in outputs["mask_png_bytes"].numpy()]


@given(sizes=st.lists(st.tuples(st.integers(1, 200), st.integers(1, 200)), min_size=1, max_size=3))
@settings(max_examples=12)
def test_labels_come_back_where_they_were(signatures, sizes):
    labels = [labels_of(*size) for size in sizes]
    photos = [encode(Image.fromarray(photo_of(ids)), "PNG") for ids in labels]
    outputs = signatures["serving_default"](tf.constant(photos))
    for ids, mask, shares in zip(labels, masks_of(outputs), outputs["class_shares"].numpy(), strict=True):
        assert mask.shape == ids.shape
        wrong = (mask != VALUES[ids]).mean()
        assert wrong <= most_edge_pixels(*ids.shape, signatures["fit"])
        np.testing.assert_allclose(shares, [(mask == value).mean() for value in VALUES], atol=1e-6)


def test_both_matrices_of_evaluate_are_right(signatures):
    sizes = [(1, 1), (150, 70), (64, 96), (33, 190)]
    labels = [labels_of(*size) for size in sizes]
    records = [
        example(encode(Image.fromarray(photo_of(ids)), "PNG"), encode_mask(VALUES[ids])) for ids in labels
    ]
    counts = signatures["evaluate"](tf.constant(records))["counts"].numpy()
    for ids, at_model, at_native in zip(labels, counts[:, 0], counts[:, 1], strict=True):
        # No padding is counted, and no pixel twice.
        np.testing.assert_array_equal(at_native.sum(axis=1), np.bincount(ids.ravel(), minlength=3))
        height, width = ids.shape
        model_pixels = {
            "stretch": SIZE[0] * SIZE[1],
            "pad": np.prod(
                [max(1, round(side * min(SIZE[0] / height, SIZE[1] / width))) for side in ids.shape]
            ),
            "tile": height * width,
            "tile at half size": np.prod([max(1, round(side * 0.5)) for side in ids.shape]),
            "tile at double size": 4 * height * width,
        }
        assert at_model.sum() == model_pixels[signatures["fit"]]
        assert np.trace(at_native) >= (1 - most_edge_pixels(height, width, signatures["fit"])) * ids.size
        assert np.trace(at_model) >= 0.85 * at_model.sum()


def test_decoded_photos_of_one_size(signatures):
    labels = [labels_of(90, 130, seed) for seed in range(2)]
    outputs = signatures["images"](tf.constant(np.stack([photo_of(ids) for ids in labels])))
    assert outputs["probabilities"].shape == (2, 90, 130, 3)
    assert (outputs["mask"] == np.stack(labels)).numpy().mean() > 0.9
    np.testing.assert_allclose(tf.reduce_sum(outputs["probabilities"], axis=-1), 1, rtol=1e-5)


@pytest.mark.parametrize("orientation", ORIENTATIONS)
def test_exif_is_obeyed(signatures, orientation):
    ids = labels_of(120, 80, seed=3)
    stored = turned_jpeg(Image.fromarray(photo_of(ids)), orientation, subsampling=0)
    (mask,) = masks_of(signatures["serving_default"](tf.constant([stored])))
    assert mask.shape == ids.shape
    assert (mask == VALUES[ids]).mean() > 0.9


@pytest.mark.parametrize("transform", TRANSFORMS)
def test_a_copying_network_is_the_same_for_the_mirror_image(transform):
    photo = encode(Image.fromarray(photo_of(labels_of(70, 150))), "PNG")
    once, twice = (
        tf.function(predictor_of(transform, flip_tta=flip).serving_default)(tf.constant([photo]))
        for flip in (False, True)
    )
    assert (masks_of(once)[0] == masks_of(twice)[0]).mean() > 0.99


LARGE_PHOTO = """
import re, sys
from pathlib import Path
import keras, numpy as np, tensorflow as tf
from tests.trainer.pictures import encode
from trainer.export.signatures import Predictor
from trainer.settings import TrainingSettings
from PIL import Image

classes, scale = int(sys.argv[1]), float(sys.argv[2])
table = [{"value": index, "name": f"class {index}"} for index in range(classes)]
settings = TrainingSettings(
    classes=table, transform={"fit": "tile", "scale": scale}, model={"encoder": "plain", "image_size": 256}
)
inputs = keras.Input((256, 256, 3))
gray = keras.layers.Rescaling(classes / 256)(inputs)[..., :1]
scores = -keras.ops.square(gray - np.arange(classes, dtype=np.float32) - 0.5)
serve = tf.function(Predictor(keras.Model(inputs, scores), settings).serving_default)
small = encode(Image.fromarray(np.full((1, 1, 3), 7, np.uint8)), "PNG")
serve(tf.constant([small]))


def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) / 1024


before = peak()
grays = np.tile((np.arange(6000) // 24)[:, None, None], (1, 4000, 3)).astype(np.uint8)
png = serve(tf.constant([encode(Image.fromarray(grays), "PNG")]))["mask_png_bytes"][0]
added = peak() - before
mask = tf.io.decode_png(png)[..., 0].numpy()
print(added, (mask != grays[..., 0].astype(int) * classes // 256).mean())
"""


@pytest.mark.slow
@pytest.mark.parametrize(("classes", "scale"), [(3, 1.0), (150, 1.0), (150, 0.5)])
def test_memory_does_not_grow_with_classes_times_the_photo(classes, scale):
    done = subprocess.run(
        [sys.executable, "-c", LARGE_PHOTO, str(classes), str(scale)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    added_mb, wrong = map(float, done.stdout.split())
    # The probabilities of 150 classes would take 14 GB.
    assert added_mb < 1500
    # One gray level in 250 lies just between two classes; scaling mixes levels.
    assert wrong < (0.005 if scale == 1 else 0.05)


def test_batches_of_windows_change_nothing(monkeypatch):
    photo = encode(Image.fromarray(photo_of(labels_of(300, 260))), "PNG")
    masks = []
    for pixels in (1, 1 << 30):
        monkeypatch.setattr("trainer.export.segmentation.WINDOW_PIXELS", pixels)
        outputs = tf.function(predictor_of("tile").serving_default)(tf.constant([photo]))
        masks.append(masks_of(outputs)[0])
    np.testing.assert_array_equal(*masks)
