import json

import apache_beam as beam
import numpy as np
import pytest
import tensorflow as tf
import tensorflow_data_validation as tfdv
import tensorflow_transform as tft
import tensorflow_transform.beam as tft_beam
from tensorflow_metadata.proto.v0 import statistics_pb2
from tensorflow_transform.tf_metadata import dataset_metadata, schema_utils
from tfx import types
from tfx.types import standard_artifacts

from components.model_trainer.component import Trainer
from components.model_trainer.executor import Executor
from petseg.errors import UserError
from trainer.data.preprocessing import preprocessing_fn
from trainer.export.export_model import load_trained
from trainer.settings import TrainingSettings

SIZE = 32
CLASSES = [
    {"value": 1, "name": "thing", "color": "#ff0000"},
    {"value": 2, "name": "ground", "color": "#00ff00"},
]
MODEL = {"encoder": "plain", "encoder_width": 4, "image_size": SIZE, "decoder_filters": (8, 8, 8, 8)}


def training(**trainer) -> TrainingSettings:
    small = {"epochs": 2, "batch_size": 4, "class_weights": "shares", "preview_photos": 1}
    return TrainingSettings(classes=CLASSES, model=MODEL, trainer=small | trainer)


def raw_pair(place: int) -> dict:
    random = np.random.default_rng(place)
    mask = np.full((48, 40, 1), 2, np.uint8)
    mask[8 : 20 + place, 10:30] = 1
    photo = np.where(mask == 1, 200, 50) + random.integers(0, 20, mask.shape)
    share = float((mask == 1).mean())
    return {
        "image/encoded": tf.io.encode_jpeg(np.repeat(photo, 3, axis=2).astype(np.uint8)).numpy(),
        "mask/encoded": tf.io.encode_png(mask).numpy(),
        "image/name": f"thing_{place}".encode(),
        "mask/share_thing": share,
        "mask/share_ground": 1 - share,
    }


def artifact(kind, uri, **properties) -> list[types.Artifact]:
    made = kind()
    made.uri = str(uri)
    for name, value in properties.items():
        setattr(made, name, value)
    return [made]


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Artifacts as the nodes before Trainer write them: 9 training examples, 4 to evaluate on."""
    root = tmp_path_factory.mktemp("inputs")
    pairs = [raw_pair(place) for place in range(13)]
    kinds = {
        name: tf.io.FixedLenFeature([], tf.float32 if "share" in name else tf.string) for name in pairs[0]
    }
    schema = schema_utils.schema_from_feature_spec(kinds)
    (root / "schema").mkdir()
    tfdv.write_schema_text(schema, str(root / "schema" / "schema.pbtxt"))
    settings = {"classes": CLASSES, "transform": {}, "input_size": [SIZE, SIZE]}
    metadata = dataset_metadata.DatasetMetadata(schema)
    for split, rows in (("train", pairs[:9]), ("eval", pairs[9:])):
        folder = root / "examples" / f"Split-{split}"
        folder.mkdir(parents=True)
        with beam.Pipeline("DirectRunner") as pipeline, tft_beam.Context(temp_dir=str(root / "scratch")):
            (transformed, transformed_metadata), transform_fn = (
                (pipeline | beam.Create(rows)),
                metadata,
            ) | tft_beam.AnalyzeAndTransformDataset(
                lambda features: preprocessing_fn(features, {"settings": settings})
            )
            coder = tft.coders.ExampleProtoCoder(transformed_metadata.schema)
            (
                transformed
                | beam.Map(coder.encode)
                | beam.io.WriteToTFRecord(str(folder / "pairs"), file_name_suffix=".gz")
            )
            if split == "train":
                transform_fn | tft_beam.WriteTransformFn(str(root / "transform_graph"))
        (root / "statistics" / f"Split-{split}").mkdir(parents=True)
        statistics = statistics_pb2.DatasetFeatureStatisticsList()
        statistics.datasets.add(num_examples=len(rows))
        path = root / "statistics" / f"Split-{split}" / "FeatureStats.pb"
        path.write_bytes(statistics.SerializeToString())
    return {
        "examples": artifact(
            standard_artifacts.Examples, root / "examples", split_names='["train", "eval"]', version=1
        ),
        "transform_graph": artifact(standard_artifacts.TransformGraph, root / "transform_graph"),
        "schema": artifact(standard_artifacts.Schema, root / "schema"),
        "statistics": artifact(standard_artifacts.ExampleStatistics, root / "statistics"),
    }


def execute(folder, inputs, settings):
    folder.mkdir(parents=True, exist_ok=True)
    outputs = {
        "model": artifact(standard_artifacts.Model, folder / "model"),
        "model_run": artifact(standard_artifacts.ModelRun, folder / "model_run"),
    }
    properties = {
        "training": settings.model_dump_json(),
        "checkpoints": str(folder / "checkpoints"),
        "code": "0",
        "warm_start": "",
    }
    Executor().Do(inputs, outputs, properties)
    return folder / "model" / "Format-Serving", folder / "model_run"


@pytest.fixture(scope="module")
def trained(inputs, tmp_path_factory):
    folder = tmp_path_factory.mktemp("trained")
    empty = artifact(standard_artifacts.Model, folder / "no_model")
    return execute(folder, inputs | {"base_model": empty}, training())


def test_writes_the_model_its_extras_and_the_history(trained):
    model, model_run = trained
    history = json.loads((model_run / "history.json").read_text())
    assert [record["epoch"] for record in history] == [1, 2]
    assert list(model_run.glob("events.out.tfevents*"))
    signatures = tf.saved_model.load(str(model)).signatures
    assert {"serving_default", "images", "evaluate"} <= set(signatures)
    statistics = statistics_pb2.DatasetFeatureStatisticsList.FromString(
        (model / "assets.extra" / "statistics.pb").read_bytes()
    )
    assert {dataset.name: dataset.num_examples for dataset in statistics.datasets} == {"train": 9, "eval": 4}
    with np.load(model / "assets.extra" / "reference.npz") as reference:
        assert list(reference["names"]) == ["thing_10", "thing_11", "thing_12", "thing_9"]
    assert "9 examples" in (model / "assets.extra" / "model_card.md").read_text()


def test_checkpoints_are_gone_when_it_succeeded(trained):
    checkpoints = trained[0].parents[1] / "checkpoints"
    assert list(checkpoints.iterdir()) == []


def test_starts_from_the_model_in_production(trained, inputs, tmp_path):
    base = inputs | {"base_model": artifact(standard_artifacts.Model, trained[0].parent)}
    warm, _ = execute(tmp_path, base, training(epochs=1, learning_rate=1e-9))
    for one, other in zip(
        load_trained(str(warm))[0].weights, load_trained(str(trained[0]))[0].weights, strict=True
    ):
        if "moving" not in one.path:
            np.testing.assert_allclose(one.numpy(), other.numpy(), atol=1e-6)


def test_another_network_in_production_is_the_users_error(trained, inputs, tmp_path):
    base = inputs | {"base_model": artifact(standard_artifacts.Model, trained[0].parent)}
    wider = TrainingSettings(classes=CLASSES, model=MODEL | {"encoder_width": 8})
    with pytest.raises(UserError, match=r"trainer.warm_start: .* has shape .* in the model in production"):
        execute(tmp_path, base, wider)


def test_what_was_trained_in_mixed_precision_answers_in_float32(inputs, tmp_path):
    directory, _ = execute(tmp_path, inputs, training(precision="float16"))
    model, settings = load_trained(str(directory))
    assert settings.trainer.precision == "float16"
    photos = np.random.default_rng(0).integers(0, 256, (2, SIZE, SIZE, 3), dtype=np.uint8)
    answers = tf.saved_model.load(str(directory)).signatures["images"](tf.constant(photos))
    expected = tf.nn.softmax(model(photos.astype(np.float32)))
    np.testing.assert_allclose(answers["probabilities"], expected, atol=1e-6)


def test_wrong_number_of_class_weights_is_the_users_error(inputs, tmp_path):
    with pytest.raises(UserError, match="each of the 2 classes; received 3"):
        execute(tmp_path, inputs, training(class_weights=(1.0, 2.0, 3.0)))


def test_component_has_the_channels_that_the_pipeline_wires():
    def channel(kind):
        return types.Channel(type=kind)

    node = Trainer(
        examples=channel(standard_artifacts.Examples),
        transform_graph=channel(standard_artifacts.TransformGraph),
        schema=channel(standard_artifacts.Schema),
        statistics=channel(standard_artifacts.ExampleStatistics),
        training=training().model_dump_json(),
        checkpoints="checkpoints",
        code="0",
    )
    assert set(node.outputs) == {"model", "model_run"}
    assert "base_model" not in node.inputs
