import apache_beam as beam
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from tensorflow_transform.tf_metadata import dataset_metadata, schema_utils

from petseg.class_table import ClassTable
from tests.trainer.pictures import THREE_CLASSES, encode, encode_mask, smooth_photo
from trainer.data.geometry import photo_geometry, stored_geometry
from trainer.data.geometry.resizing import resize_mask, resize_photo
from trainer.data.preprocessing import (
    ENCODED,
    class_shares,
    decode_mask,
    decode_photo,
    parse_encoded_pair,
    parse_pair,
    prepare_photo,
    preprocessing_fn,
)
from trainer.data.transform_settings import TransformSettings

CLASSES = ClassTable.model_validate(THREE_CLASSES)
SIZE = 128
TRAINING_SCALE = 1.3


def stretched(side):
    return photo_geometry(TransformSettings(), (side, side))


def as_rgb(picture):
    return np.asarray(picture.convert("RGB"), np.int16)


@pytest.fixture
def photo():
    return smooth_photo(np.random.default_rng(3), 37, 52)


@pytest.mark.parametrize(
    ("mode", "options"),
    [("RGB", {}), ("RGB", {"progressive": True}), ("L", {}), ("CMYK", {}), ("RGB", {"subsampling": 0})],
)
def test_decodes_every_kind_of_jpeg(photo, mode, options):
    picture = photo.convert(mode)
    decoded = decode_photo(tf.constant(encode(picture, "JPEG", quality=95, **options)))
    assert decoded.dtype == tf.uint8
    assert np.abs(decoded.numpy() - as_rgb(picture)).mean() < 3


@pytest.mark.parametrize(
    ("file_format", "mode"),
    [("PNG", mode) for mode in ("RGB", "RGBA", "L", "LA", "P", "1", "I;16")]
    + [("BMP", mode) for mode in ("RGB", "RGBA", "L", "P")]
    + [("GIF", "P")],
)
def test_decodes_lossless_formats_exactly(photo, file_format, mode):
    if mode == "I;16":
        picture, expected = Image.fromarray(np.full((5, 7), 0x4020, np.uint16)), np.full((5, 7, 3), 0x40)
    else:
        picture = photo.convert("L").convert("LA") if mode == "LA" else photo.convert(mode)
        expected = as_rgb(picture)
    np.testing.assert_array_equal(decode_photo(tf.constant(encode(picture, file_format))), expected)


def test_takes_the_first_frame_of_a_gif():
    red, blue = (Image.new("RGB", (6, 4), color) for color in ("red", "blue"))
    gif = encode(red, "GIF", save_all=True, append_images=[blue])
    np.testing.assert_array_equal(decode_photo(tf.constant(gif)), as_rgb(red))


@pytest.mark.parametrize("broken", [b"", b"B", b"BM", b"BM123", b"no picture", b"\xff\xd8\xff\xe0 cut"])
def test_broken_bytes_are_an_invalid_argument(broken):
    with pytest.raises(tf.errors.InvalidArgumentError):
        decode_photo(tf.constant(broken))


def test_prepared_photo_is_antialiased_and_rounded():
    stripes = np.zeros((256, 256, 3), np.uint8)
    stripes[:, ::2] = 255
    prepared, own_size = prepare_photo(tf.constant(encode(Image.fromarray(stripes), "PNG")), stretched(32))
    assert own_size.numpy().tolist() == [256, 256]
    # Without antialiasing some columns would stay black or white; 127.5 rounds to the even 128.
    assert set(np.unique(prepared[:, 1:-1])) <= {127, 128}


@given(data=st.data())
@settings(max_examples=60)
def test_no_mask_value_outside_the_class_ids(data):
    height, width = data.draw(st.integers(1, 90)), data.draw(st.integers(1, 90))
    values = data.draw(st.lists(st.integers(0, 255), min_size=2, max_size=6, unique=True))
    ignored = values[-1] if len(values) > 2 and data.draw(st.booleans()) else None
    table = ClassTable(
        classes=[{"value": v, "name": f"c{v}", "color": "#000000"} for v in values if v != ignored],
        ignored_value=ignored,
    )
    in_file = data.draw(st.lists(st.integers(0, 255), min_size=1, max_size=4)) + values
    rng = np.random.default_rng(data.draw(st.integers(0, 99)))
    mask = rng.choice(in_file, (height, width))
    ids = decode_mask(tf.constant(encode_mask(mask)), table)
    size = data.draw(st.sampled_from([(32, 32), (64, 96), (96, 32)]))
    resized = resize_mask(ids, size).numpy()
    assert resized.dtype == np.uint8
    wanted = {table.values.index(v) if v in table.values else 255 for v in np.unique(mask)}
    assert set(np.unique(resized)) <= wanted


def test_masks_are_resized_by_nearest_neighbor():
    values = np.random.default_rng(0).integers(1, 4, (47, 81))
    resized = resize_mask(decode_mask(tf.constant(encode_mask(values)), CLASSES), (32, 32)).numpy()
    rows = np.floor((np.arange(32) + 0.5) * 47 / 32).astype(int)
    columns = np.floor((np.arange(32) + 0.5) * 81 / 32).astype(int)
    np.testing.assert_array_equal(resized, values[rows][:, columns] - 1)


@pytest.fixture(scope="module")
def raw_pairs():
    """Raw examples."""
    rng = np.random.default_rng(5)
    raw = []
    for index, (height, width, mode, options) in enumerate(
        [
            (37, 52, "RGB", {}),
            (300, 200, "L", {}),
            (131, 128, "CMYK", {}),
            (128, 128, "RGB", {"progressive": True}),
        ]
    ):
        mask = rng.integers(1, 3, (height, width))
        pair = {
            "image/encoded": encode(smooth_photo(rng, height, width).convert(mode), "JPEG", **options),
            "mask/encoded": encode_mask(mask),
            "image/name": f"photo_{index}".encode(),
        }
        shares = {f"mask/share_{c.name}": np.float32((mask == c.value).mean()) for c in CLASSES.classes}
        raw.append(pair | shares)
    return raw


def run_transform(raw, transform, folder):
    """The transformed examples by name, and the folder of Transform's output."""
    strings = {key: tf.io.FixedLenFeature([], tf.string) for key in raw[0] if "/share_" not in key}
    floats = {key: tf.io.FixedLenFeature([], tf.float32) for key in raw[0] if "/share_" in key}
    schema = schema_utils.schema_from_feature_spec(strings | floats)
    config = {
        "settings": {
            "classes": CLASSES.model_dump(mode="json"),
            "transform": transform.model_dump(mode="json"),
            "input_size": [SIZE, SIZE],
        }
    }
    pairs = folder / "pairs" / "pairs"
    with beam.Pipeline("DirectRunner") as pipeline, tft_beam.Context(temp_dir=str(folder / "scratch")):
        data = pipeline | beam.Create(raw), dataset_metadata.DatasetMetadata(schema)
        (rows, metadata), transform_fn = data | tft_beam.AnalyzeAndTransformDataset(
            lambda inputs: preprocessing_fn(inputs, config)
        )
        transform_fn | tft_beam.WriteTransformFn(str(folder / "output"))
        coder = tft.coders.ExampleProtoCoder(metadata.schema)
        rows | beam.Map(coder.encode) | beam.io.WriteToTFRecord(str(pairs))
    (shard,) = pairs.parent.iterdir()
    serialized = {
        tf.train.Example.FromString(record.numpy()).features.feature["image/name"].bytes_list.value[0]: record
        for record in tf.data.TFRecordDataset(str(shard))
    }
    return serialized, folder / "output"


@pytest.fixture(scope="module")
def transformed(raw_pairs, tmp_path_factory):
    """Raw examples, the transformed ones by name, and Transform's output for Trainer."""
    transform = TransformSettings(training_scale=TRAINING_SCALE)
    serialized, output = run_transform(raw_pairs, transform, tmp_path_factory.mktemp("transform"))
    return raw_pairs, serialized, tft.TFTransformOutput(str(output))


@pytest.mark.parametrize("scale", [1, 0.5])
def test_tiles_store_encoded_photos_and_never_pixels(raw_pairs, scale, tmp_path):
    serialized, _ = run_transform(raw_pairs, TransformSettings(fit="tile", scale=scale), tmp_path)
    for pair in raw_pairs:
        record = serialized[pair["image/name"]]
        features = tf.train.Example.FromString(record.numpy()).features.feature
        assert set(features) == {*ENCODED, "image/name"}
        # A photo of its own pixels is the file that it was.
        assert (features[ENCODED[0]].bytes_list.value[0] == pair["image/encoded"]) is (scale == 1)
        image, mask = parse_encoded_pair(record)
        photo = decode_photo(tf.constant(pair["image/encoded"]))
        ids = decode_mask(tf.constant(pair["mask/encoded"]), CLASSES)
        size = [round(side * scale) for side in ids.shape]
        np.testing.assert_array_equal(mask, resize_mask(ids, size))
        np.testing.assert_array_equal(image, photo if scale == 1 else resize_photo(photo, size, "bilinear"))


def test_transform_and_serving_prepare_equal_images(transformed):
    raw, serialized, _ = transformed
    assert len(serialized) == len(raw)
    serving = tf.function(prepare_photo)
    for pair in raw:
        image, _ = parse_pair(serialized[pair["image/name"]], (SIZE, SIZE))
        served, _ = serving(tf.constant(pair["image/encoded"]), stretched(SIZE))
        np.testing.assert_array_equal(image, served)


def test_transforms_mask_has_the_class_ids(transformed):
    raw, serialized, _ = transformed
    for pair in raw:
        _, mask = parse_pair(serialized[pair["image/name"]], (SIZE, SIZE))
        np.testing.assert_array_equal(
            mask, resize_mask(decode_mask(pair["mask/encoded"], CLASSES), (SIZE, SIZE))
        )


def test_crops_are_taken_from_a_pair_of_higher_resolution(transformed):
    raw, serialized, _ = transformed
    for pair in raw:
        large = stored_geometry(TransformSettings(training_scale=TRAINING_SCALE), (SIZE, SIZE))
        image, mask = parse_pair(serialized[pair["image/name"]], large.size, "to crop from")
        served, _ = prepare_photo(tf.constant(pair["image/encoded"]), large)
        np.testing.assert_array_equal(image, served)
        np.testing.assert_array_equal(
            mask, resize_mask(decode_mask(pair["mask/encoded"], CLASSES), large.size)
        )


def test_a_pair_of_128_px_costs_at_most_66_kb(transformed):
    _, serialized, _ = transformed
    for record in serialized.values():
        features = tf.train.Example.FromString(record.numpy()).features.feature
        for larger in ("training_image", "training_mask"):
            del features[larger]
        assert sum(map(len, features["image"].bytes_list.value)) > 3 * SIZE**2
        assert tf.train.Example(features=tf.train.Features(feature=features)).ByteSize() <= 66_000


def test_class_shares_reach_the_trainer(transformed):
    raw, _, transform_output = transformed
    expected = [np.mean([pair[f"mask/share_{name}"] for pair in raw]) for name in CLASSES.names]
    shares = class_shares(transform_output, CLASSES)
    assert shares.dtype == np.float32
    np.testing.assert_allclose(shares, expected, atol=1e-5)
    assert shares[2] == 0  # The third class is in no mask.


def test_a_pair_of_another_size_is_refused(transformed):
    _, serialized, _ = transformed
    with pytest.raises((ValueError, tf.errors.InvalidArgumentError)):
        parse_pair(next(iter(serialized.values())), (64, 64))


def test_labels_of_photos_may_be_missing():
    """A column of `data.metadata` is sparse, because a cell of the table may be empty."""
    config = {
        "settings": {"classes": CLASSES.model_dump(mode="json"), "transform": {}, "input_size": [SIZE, SIZE]}
    }
    strings = {name: tf.TensorSpec([None, 1], tf.string) for name in ("image/encoded", "mask/encoded")}
    shares = {f"mask/share_{key}": tf.TensorSpec([None, 1], tf.float32) for key in CLASSES.keys}
    signature = strings | shares | {"image/name": tf.TensorSpec([None, 1], tf.string)}
    signature["label/site"] = tf.SparseTensorSpec([None, None], tf.string)
    used = tft.get_transform_input_columns(lambda inputs: preprocessing_fn(inputs, config), signature)
    assert sorted(used) == ["image/encoded", "image/name", "mask/encoded"]
