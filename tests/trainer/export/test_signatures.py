import io
import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf
from PIL import Image
from sklearn.metrics import confusion_matrix

from petseg.class_table import CLASS_ID_IGNORED
from petseg.files.image_file import turn_upright
from tests.exif_files import ORIENTATIONS, turned_jpeg
from tests.trainer.expected_predictions import expected_probabilities, resize_bilinearly, resize_nearest
from tests.trainer.export.networks import SIZE, example, prepared, trained
from tests.trainer.pictures import THREE_CLASSES, encode, encode_mask, smooth_photo
from trainer.export.counts import photo_counts
from trainer.export.export_model import export_model, load_trained
from trainer.export.signatures import Predictor
from trainer.models import REGISTRY, build_model

TABLE = {"classes": THREE_CLASSES, "ignored_value": 0}
PHOTO_SIZES = [(50, 75), (64, 64), (3, 5), (130, 97)]


@pytest.fixture(scope="module")
def pairs():
    """JPEGs of several sizes and masks with values 0 (ignored) to 4 (in no class)."""
    rng = np.random.default_rng(2)
    photos = [encode(smooth_photo(rng, *size)) for size in PHOTO_SIZES]
    masks = [rng.integers(0, 5, size) for size in PHOTO_SIZES]
    return photos, masks


@pytest.fixture(
    scope="module",
    params=[
        pytest.param(("unet", False), id="unet"),
        pytest.param(("unet", True), id="unet-flip_tta"),
        *(
            pytest.param((name, False), id=name, marks=pytest.mark.slow)
            for name in REGISTRY
            if name != "unet"
        ),
    ],
)
def exported(request, tiny_settings, tmp_path_factory):
    """(SavedModel as loaded, its directory, the Keras model, its settings)."""
    architecture, flip_tta = request.param
    settings = tiny_settings(classes=TABLE, architecture=architecture, flip_tta=flip_tta)
    model = trained(settings)
    directory = tmp_path_factory.mktemp("export") / "Format-Serving"
    photos = np.random.default_rng(4).integers(0, 256, (3, SIZE, SIZE, 3), dtype=np.uint8)
    export_model(model, settings, str(directory), b"statistics", photos, ["a", "b", "ü"], "# Card\n")
    return tf.saved_model.load(str(directory)), directory, model, settings


def test_every_weight_is_written_once(exported):
    loaded, directory, model, _ = exported
    weights = model.get_weights()
    written = (directory / "variables" / "variables.data-00000-of-00001").stat().st_size
    assert written < 1.5 * sum(weight.nbytes for weight in weights)
    assert [tuple(each.shape) for each in loaded.variables] == [tuple(each.shape) for each in model.variables]
    assert len(loaded.trainable_variables) == len(model.trainable_variables)


def test_names_shapes_and_types(exported):
    signatures = exported[0].signatures
    described = {
        name: (
            {
                key: (spec.dtype.name, spec.shape.rank)
                for key, spec in signature.structured_input_signature[1].items()
            },
            {
                key: (value.dtype.name, value.shape.rank)
                for key, value in signature.structured_outputs.items()
            },
        )
        for name, signature in signatures.items()
    }
    outputs = {"mask": ("uint8", 3), "probabilities": ("float32", 4)}
    assert described == {
        "serving_default": (
            {"image_bytes": ("string", 1)},
            {
                "mask_png_bytes": ("string", 1),
                "class_shares": ("float32", 2),
                "confidence": ("float32", 1),
            },
        ),
        "probabilities": ({"image_bytes": ("string", 1)}, outputs),
        "images": ({"images": ("uint8", 4)}, outputs),
        "evaluate": (
            {"examples": ("string", 1)},
            {"counts": ("int64", 4), "boundary": ("int64", 4), "calibration": ("int64", 4)},
        ),
    }


def test_both_signatures_of_files_predict_like_the_keras_model(exported, pairs):
    loaded, _, model, settings = exported
    outputs = loaded.signatures["probabilities"](tf.constant(pairs[0]))
    native = loaded.signatures["serving_default"](tf.constant(pairs[0]))
    expected = expected_probabilities(model, prepared(pairs[0]), settings.model.flip_tta)
    np.testing.assert_allclose(outputs["probabilities"], expected, atol=1e-4)
    np.testing.assert_array_equal(outputs["mask"], np.argmax(outputs["probabilities"], -1))
    assert len(np.unique(outputs["mask"])) == 3
    values = np.array(settings.classes.values)
    for index, (probabilities, size) in enumerate(
        zip(outputs["probabilities"].numpy(), PHOTO_SIZES, strict=True)
    ):
        picture = Image.open(io.BytesIO(native["mask_png_bytes"].numpy()[index]))
        assert (picture.mode, picture.size) == ("L", size[::-1])
        own = resize_bilinearly(probabilities, *size)
        mask = np.asarray(picture)
        assert (mask != values[np.argmax(own, -1)]).mean() < 1e-3  # ties of rounding
        shares = [(mask == value).mean() for value in values]
        np.testing.assert_allclose(native["class_shares"][index], shares, atol=1e-6)
        assert native["confidence"][index].numpy() == pytest.approx(own.max(-1).mean(), abs=1e-4)


def test_images_predicts_at_the_size_of_the_photo(exported):
    loaded, _, model, settings = exported
    at_model_size = np.random.default_rng(1).integers(0, 256, (2, SIZE, SIZE, 3), dtype=np.uint8)
    outputs = loaded.signatures["images"](tf.constant(at_model_size))
    expected = expected_probabilities(model, at_model_size, settings.model.flip_tta)
    np.testing.assert_allclose(outputs["probabilities"], expected, atol=1e-4)

    photo = np.asarray(smooth_photo(np.random.default_rng(2), 70, 101))
    outputs = loaded.signatures["images"](tf.constant(photo[None]))
    small = prepared([encode(Image.fromarray(photo), "PNG")])
    expected = resize_bilinearly(expected_probabilities(model, small, settings.model.flip_tta)[0], 70, 101)
    np.testing.assert_allclose(outputs["probabilities"][0], expected, atol=1e-4)
    np.testing.assert_array_equal(outputs["mask"], np.argmax(outputs["probabilities"], -1))


def test_evaluate_counts_as_numpy_does(exported, pairs):
    loaded, _, model, settings = exported
    photos, masks = pairs
    examples = [example(photo, encode_mask(mask)) for photo, mask in zip(photos, masks, strict=True)]
    counts = loaded.signatures["evaluate"](tf.constant(examples))["counts"].numpy()
    probabilities = expected_probabilities(model, prepared(photos), settings.model.flip_tta)
    for counts_of_photo, mask, probability in zip(counts, masks, probabilities, strict=True):
        truths = resize_nearest(mask, SIZE), mask
        predictions = np.argmax(probability, -1), np.argmax(resize_bilinearly(probability, *mask.shape), -1)
        for counted, truth, prediction in zip(counts_of_photo, truths, predictions, strict=True):
            valid = (truth >= 1) & (truth <= 3)
            expected = confusion_matrix(truth[valid] - 1, prediction[valid], labels=[0, 1, 2])
            assert counted.sum() == valid.sum()
            assert np.abs(counted - expected).sum() <= 0.002 * valid.sum()  # ties of rounding


def test_evaluate_counts_bands_and_confidences_at_both_sizes(exported, pairs):
    loaded, _, model, settings = exported
    photos, masks = pairs
    examples = [example(photo, encode_mask(mask)) for photo, mask in zip(photos, masks, strict=True)]
    outputs = {
        output: counts.numpy()
        for output, counts in loaded.signatures["evaluate"](tf.constant(examples)).items()
    }
    probabilities = expected_probabilities(model, prepared(photos), settings.model.flip_tta)
    for place, (mask, probability) in enumerate(zip(masks, probabilities, strict=True)):
        own = resize_bilinearly(probability, *mask.shape)
        for axis, (truth, scores) in enumerate(((resize_nearest(mask, SIZE), probability), (mask, own))):
            ids = np.where((truth >= 1) & (truth <= 3), truth - 1, CLASS_ID_IGNORED).astype(np.uint8)
            expected = photo_counts(
                ids, np.argmax(scores, -1).astype(np.uint8), np.max(scores, -1).astype(np.float32), 3
            )
            allowed = 0.005 * ids.size  # ties of rounding
            bands, bins = outputs["boundary"][place, axis], outputs["calibration"][place, axis]
            assert np.abs(bands - expected["boundary"]).sum() <= 9 * allowed
            assert np.abs(bins - expected["calibration"])[:, :2].sum() <= allowed
            assert bins[:, 2].sum() == pytest.approx(expected["calibration"][:, 2].numpy().sum(), rel=1e-4)


def test_evaluate_takes_any_number_of_examples(exported, pairs):
    evaluate = exported[0].signatures["evaluate"]
    photos, masks = pairs
    examples = [example(photos[k % 4], encode_mask(masks[k % 4])) for k in range(37)]
    outputs = evaluate(tf.constant(examples))
    one_by_one = [evaluate(tf.constant([entry])) for entry in examples[:4]]
    for output, counts in outputs.items():
        expected = np.stack([single[output][0] for single in one_by_one] * 9)
        np.testing.assert_allclose(counts[:36], expected, rtol=1e-5)
    empty = evaluate(tf.constant([], tf.string))
    assert {output: counts.shape for output, counts in empty.items()} == {
        "counts": (0, 2, 3, 3),
        "boundary": (0, 2, 3, 2),
        "calibration": (0, 2, 15, 3),
    }


def test_flip_tta_makes_the_prediction_for_the_mirror_image_the_mirrored_prediction(exported):
    loaded, _, _, settings = exported
    photos = np.random.default_rng(1).integers(0, 256, (2, SIZE, SIZE, 3), dtype=np.uint8)
    outputs = loaded.signatures["images"](tf.constant(photos))["probabilities"].numpy()
    mirrored = loaded.signatures["images"](tf.constant(photos[:, :, ::-1]))["probabilities"].numpy()
    assert np.allclose(outputs, mirrored[:, :, ::-1], atol=1e-5) is settings.model.flip_tta


def test_phone_photos_are_predicted_upright(exported):
    """Each of the eight ways to hold a camera, in one batch, as the same pixels turned by the client."""
    loaded, _, _, _ = exported
    upright = smooth_photo(np.random.default_rng(5), 50, 75)
    photos = [turned_jpeg(upright, orientation) for orientation in ORIENTATIONS]
    turned = [
        encode(turn_upright(Image.open(io.BytesIO(photo)), orientation), "PNG")
        for photo, orientation in zip(photos, ORIENTATIONS, strict=True)
    ]
    serve = loaded.signatures["serving_default"]
    answer, expected = serve(tf.constant(photos)), serve(tf.constant(turned))
    np.testing.assert_array_equal(answer["mask_png_bytes"].numpy(), expected["mask_png_bytes"].numpy())
    np.testing.assert_allclose(answer["confidence"], expected["confidence"], atol=1e-5)
    for png in answer["mask_png_bytes"].numpy():
        assert tf.io.decode_png(png).shape == (50, 75, 1)

    mask = encode_mask(np.random.default_rng(6).integers(1, 4, (50, 75)))
    counted, wanted = (
        loaded.signatures["evaluate"](tf.constant([example(photo, mask) for photo in batch]))["counts"]
        for batch in (photos, turned)
    )
    assert np.abs(counted.numpy() - wanted.numpy()).sum() <= 0.001 * wanted.numpy().sum()  # ties of rounding


@pytest.mark.parametrize("broken", [b"", b"no picture", "half"])
def test_broken_bytes_are_an_invalid_argument(exported, pairs, broken):
    photo = pairs[0][0]
    broken = photo[: len(photo) // 2] if broken == "half" else broken
    with pytest.raises(tf.errors.InvalidArgumentError):
        exported[0].signatures["serving_default"](tf.constant([photo, broken]))


def test_a_large_photo_comes_back_at_its_size(exported):
    photo = encode(smooth_photo(np.random.default_rng(2), 4000, 3000))
    outputs = exported[0].signatures["serving_default"](tf.constant([photo]))
    assert tf.io.decode_png(outputs["mask_png_bytes"][0]).shape == (4000, 3000, 1)


def test_runs_where_only_tensorflow_is(exported, pairs, tmp_path):
    loaded, directory, _, settings = exported
    if settings.model.flip_tta or settings.model.architecture not in ("unet", "segnet"):
        pytest.skip("a process of its own is slow, and only SegNet's layer of our own could change it")
    (tmp_path / "photo.jpg").write_bytes(pairs[0][0])
    script = (
        "import sys, numpy, tensorflow as tf\n"
        f"model = tf.saved_model.load({str(directory)!r})\n"
        "outputs = model.signatures['probabilities'](tf.constant([open('photo.jpg', 'rb').read()]))\n"
        "numpy.save('probabilities.npy', outputs['probabilities'])\n"
        "assert not {'trainer', 'tensorflow_transform'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-I", "-c", script], cwd=tmp_path, check=True, timeout=120)
    here = loaded.signatures["probabilities"](tf.constant(pairs[0][:1]))["probabilities"]
    np.testing.assert_allclose(np.load(tmp_path / "probabilities.npy"), here, atol=1e-5)


def test_assets_extra(exported):
    loaded, directory, _, settings = exported
    extra = directory / "assets.extra"
    assert (extra / "statistics.pb").read_bytes() == b"statistics"
    assert (extra / "model_card.md").read_text() == "# Card\n"
    assert type(settings).model_validate_json((extra / "settings.json").read_text()) == settings
    with np.load(extra / "reference.npz", allow_pickle=False) as reference:
        assert reference["names"].tolist() == ["a", "b", "ü"]
        ends = np.cumsum(reference["lengths"])
        whole = reference["bytes"].tobytes()
        photos = [whole[start:end] for start, end in zip([0, *ends], ends, strict=False)]
        outputs = loaded.signatures["probabilities"](tf.constant(photos))
        np.testing.assert_allclose(outputs["probabilities"], reference["probabilities"], atol=1e-5)
        np.testing.assert_array_equal(outputs["mask"], reference["mask"])
        native = loaded.signatures["serving_default"](tf.constant(photos))
        np.testing.assert_allclose(native["confidence"], reference["confidence"], atol=1e-5)
    assert json.loads((extra / "classes.json").read_text())[0] == {
        "id": 0,
        "value": 1,
        "name": settings.classes.names[0],
        "color": settings.classes.classes[0].color,
    }


def test_load_trained_rebuilds_the_keras_model(exported):
    _, directory, model, settings = exported
    again, settings_again = load_trained(str(directory))
    photos = np.random.default_rng(1).integers(0, 256, (2, SIZE, SIZE, 3), dtype=np.uint8)
    assert settings_again == settings
    np.testing.assert_array_equal(again(photos), model(photos))


def test_a_failed_export_leaves_no_model_and_the_next_one_works(tiny_settings, tmp_path):
    settings = tiny_settings()
    model = build_model(settings)
    photos = np.zeros((1, SIZE, SIZE, 3), np.uint8)
    with pytest.raises(tf.errors.InvalidArgumentError):
        export_model(model, settings, str(tmp_path / "model"), None, photos[..., 0], ["a"], "")
    assert [path.name for path in tmp_path.iterdir()] == ["model.partial"]
    (tmp_path / "model").mkdir()  # TFX may have made it
    export_model(model, settings, str(tmp_path / "model"), None, photos, ["a"], "")
    assert os.listdir(tmp_path) == ["model"]
    assert (tmp_path / "model" / "saved_model.pb").exists()
    assert not (tmp_path / "model" / "assets.extra" / "statistics.pb").exists()


def test_serving_sees_the_very_image_that_transform_makes(tiny_settings, pairs):
    """With a network that only passes the photo on, equal predictions are equal images."""
    inputs = keras.Input((SIZE, SIZE, 3))
    identity = keras.Model(inputs, keras.layers.Rescaling(1 / 64)(inputs))
    predictor = Predictor(identity, tiny_settings())
    images = prepared(pairs[0])
    served = tf.function(predictor.model_resolution)(tf.constant(pairs[0]))["probabilities"]
    np.testing.assert_array_equal(served, predictor.probabilities(tf.constant(images)))
    images[0, 0, 0, 0] ^= 1
    assert (served != predictor.probabilities(tf.constant(images))).numpy().any()
