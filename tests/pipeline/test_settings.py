from pathlib import Path

import pytest
import yaml
from apache_beam.options.pipeline_options import DirectOptions, PipelineOptions, StandardOptions
from apache_beam.runners.runner import create_runner

from petseg.errors import UserError
from pipeline.settings import (
    BeamSettings,
    PipelineSettings,
    describe_fields,
    describe_settings,
    load_settings,
    output_folder,
)
from tests.conftest import PETS_CONFIG

OTHER_CLASSES = (
    "data.classes=[{value: 0, name: ground, color: '#000000'}, {value: 7, name: thing, color: '#ffffff'}]"
)


def complaint(*overrides: str, config: Path | None = None) -> str:
    with pytest.raises(UserError) as caught:
        load_settings(config, overrides)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_the_guides_thresholds_are_settings(tmp_path):
    guide = (Path(__file__).resolve().parents[2] / "docs" / "guides" / "thresholds.md").read_text()
    (example,) = (block for block in guide.split("```yaml\n")[1:] if block.startswith("evaluation:"))
    (tmp_path / "evaluated.yaml").write_text(f"extends: {PETS_CONFIG}\n" + example.partition("```")[0])
    thresholds = load_settings(tmp_path / "evaluated.yaml", []).evaluation.thresholds
    assert thresholds[0].slice == "label/breed"
    assert thresholds[1].max_gap == 0.03


def test_every_setting_has_a_sentence_and_a_default():
    for key, field in describe_fields():
        assert field.description, key
        assert field.description.endswith("."), key
        assert not field.is_required(), key


@pytest.mark.parametrize(
    ("override", "parts"),
    [
        ("trainer.epoch=5", ["trainer.epoch", "did you mean trainer.epochs?"]),
        ("epochs=5", ["epochs", "did you mean trainer.epochs?"]),
        ("trainr.epochs=5", ["trainr", "did you mean trainer?"]),
        ("trainer.epochs=zero", ["trainer.epochs", "'zero'", "integer"]),
        ("trainer.epochs=0", ["trainer.epochs", "received 0", "greater than or equal to 1"]),
        ("model.image_size=100", ["model.image_size", "100", "96 and 128"]),
        ("model.image_size=[64, 100]", ["model.image_size", "100", "96 and 128"]),
        ("model.image_size=[64, 64, 64]", ["model.image_size", "[height, width]", "received [64, 64, 64]"]),
        ("model.image_size=4096", ["model.image_size", "from 32 to 2048", "received 4096"]),
        ("transform.scale=0.5", ["transform.scale must be 1 unless transform.fit is tile", "received 0.5"]),
        ("transform.overlap=32", ["transform.overlap must be null unless transform.fit is tile"]),
        ("transform={fit: tile, overlap: 128}", ["transform.overlap must be from 0 to 126", "received 128"]),
        ("transform={fit: tile, overlap: 0, scale: 2}", ["transform.overlap must be from 2", "received 0"]),
        ("transform={fit: tile, overlap: 15}", ["transform.overlap", "multiple of 2"]),
        ("transform={fit: tile, training_scale: 2}", ["transform.training_scale must be 1", "fit is tile"]),
        ("trainer.crop_class_weights={pet: 1}", ["trainer.crop_class_weights must be off unless"]),
        ("transform.fit=crop", ["transform.fit", "'stretch'", "'crop'"]),
        ("model.architecture=unett", ["model.architecture", "'unett'", "did you mean unet?", "fcn8s"]),
        ("model.encoder=mobilenet", ["model.encoder", "'mobilenet'", "did you mean mobilenet_v2?"]),
        ("model.fc_width=64", ["model.fc_width", "unet", "does not use it", "dropout", "received 64"]),
        ("model.fc_widht=64", ["model.fc_widht", "did you mean model.fc_width?"]),
        ("model.freeze_encoder=true", ["model.freeze_encoder", "model.encoder_weights", "warm_start"]),
        ("evaluation.split=train", ["evaluation.split", "'train'", "'test' or 'eval'"]),
        ("trainer.pretrain_epochs=2", ["trainer.pretrain_epochs", "is autoencoder", "received 2"]),
        ("tuner.search={trainer.learning_rat: {values: [1]}}", ["tuner.search.trainer.learning_rat"]),
        ("trainer.class_weights=[1, 2]", ["trainer.class_weights", "3 classes", "received 2"]),
        (
            "model={architecture: mask_rcnn, background: sky}",
            ["model.background 'sky'", "is not in this data", "one of pet, background, border"],
        ),
        ("evaluation.foreground=[pets]", ["evaluation.foreground", "did you mean pet?"]),
        ("evaluation.foreground=[pet, border, background]", ["leave a class for the background"]),
        (
            "evaluation.thresholds=[{metric: model/mean_uoi, minimum: 0.5}]",
            ["evaluation.thresholds", "did you mean model/mean_iou?"],
        ),
        (
            "evaluation.thresholds=[{metric: native/boundary_iou/pets, minimum: 0.5}]",
            ["evaluation.thresholds", "did you mean native/boundary_iou/pet?"],
        ),
        (
            "evaluation.thresholds=[{metric: model/mean_iou, minimum: 60}]",
            ["evaluation.thresholds", "the minimum of model/mean_iou must be in 0 to 1"],
        ),
        (
            "evaluation.thresholds=[{metric: model/mean_iou, slice: label/bred, minimum: 0.5}]",
            ["label/bred", "did you mean label/breed?"],
        ),
        (
            "evaluation.thresholds=[{metric: model/mean_iou}]",
            ["evaluation.thresholds", "minimum, maximum, max_gap or max_regression"],
        ),
        ("model=[1, 2]", ["model:", "valid dictionary", "received [1, 2]"]),
        ("trainer=text", ["trainer:", "valid dictionary", "received 'text'"]),
        ("data.classes=text", ["data.classes:", "valid dictionary", "received 'text'"]),
        ("data.classes=[1, 2]", ["data.classes:", "valid dictionary", "received 1"]),
        ("runner.nodes={1: 2}", ["runner.nodes: 1: there is no such node"]),
        ("runner.nodes={Trainer: 2}", ["runner.nodes.Trainer", "valid dictionary", "received 2"]),
        ("data.sized_class=wheel", ["sized_class", "wheel", "pet"]),
        ("data.format=foldr", ["data.format", "'foldr'", "folder", "pets", "tfds"]),
        ("data.format=tfds", ["tfds_builder", "oxford_iiit_pet:4"]),
        ("data.classes=[{value: 0, name: ground, color: '#000000'}]", ["data.classes", "at least two"]),
        ("trainer.epochs", ["key=value"]),
        ("trainer.seed.deeper=1", ["trainer.seed"]),
    ],
)
def test_a_wrong_setting_is_one_line_that_names_key_value_and_remedy(override, parts):
    message = complaint(override, config=PETS_CONFIG)
    for part in parts:
        assert part in message


@pytest.mark.parametrize(
    ("more", "parts"),
    [
        ("trainer.crop_class_weights={pets: 1}", ["trainer.crop_class_weights 'pets'", "did you mean pet?"]),
        (
            "trainer.crop_class_weights={pet: 0}",
            ["trainer.crop_class_weights", "greater than 0", "received 0 for pet"],
        ),
        ("trainer.crop_class_weights=some", ["must be off or {class name: weight}", "received 'some'"]),
        ("trainer.cache=none", ["trainer.cache must be auto, memory or disk", "tile"]),
        ("model.architecture=mask_rcnn", ["transform.fit must be stretch or pad with mask_rcnn"]),
    ],
)
def test_what_does_not_go_with_tiles_is_refused(more, parts):
    message = complaint("transform.fit=tile", more, config=PETS_CONFIG)
    for part in parts:
        assert part in message


def test_larger_pairs_without_crops_are_refused(tmp_path):
    config = tmp_path / "mine.yaml"
    config.write_text(
        f"extends: {PETS_CONFIG}\n"
        "transform: {training_scale: 1.5}\ntrainer: {augmentation: {preset: flips}}\n"
    )
    assert "transform.training_scale must be 1 where" in complaint(config=config)


def test_yaml_is_laid_under_the_overrides(tmp_path):
    config = tmp_path / "mine.yaml"
    config.write_text("trainer: {epochs: 3, seed: 9}\nmodel: {image_size: 64}\n")
    settings = load_settings(config, ["trainer.epochs=4", "beam.args=[--a=1]"])
    assert (settings.trainer.epochs, settings.trainer.seed, settings.model.image_size) == (4, 9, 64)
    assert settings.beam.pipeline_args[-1] == "--a=1"
    assert output_folder(settings, config) == Path("runs/mine")


def test_a_config_that_is_missing_or_no_yaml_is_named(tmp_path):
    (tmp_path / "unet.yaml").write_text("trainer: [\n")
    assert "did you mean" in complaint(config=tmp_path / "unet.yml")
    assert "not valid YAML" in complaint(config=tmp_path / "unet.yaml")


@pytest.mark.parametrize(("content", "kind"), [("- a\n- b\n", "list"), ("text", "str"), ("3", "int")])
def test_a_config_that_is_no_mapping_is_named(tmp_path, content, kind):
    (tmp_path / "base.yaml").write_text(content)
    assert complaint(config=tmp_path / "base.yaml") == (
        f"config {tmp_path}/base.yaml must hold keys and values; received {kind}"
    )
    (tmp_path / "mine.yaml").write_text("extends: base.yaml\n")
    assert "base.yaml must hold keys and values" in complaint(config=tmp_path / "mine.yaml")


def test_environment_variables_are_expanded_and_missing_ones_named(monkeypatch):
    monkeypatch.setenv("SOME_FOLDER", "/data")
    monkeypatch.delenv("NO_FOLDER", raising=False)
    assert load_settings(None, ["data.path=${SOME_FOLDER}/pets"]).data.path == "/data/pets"
    assert "NO_FOLDER" in complaint("data.path=${NO_FOLDER}/pets")


def test_resolved_settings_read_back_as_the_same(tmp_path):
    settings = load_settings(None, ["data.format=folder", OTHER_CLASSES, "trainer.class_weights=[1, 2]"])
    config = tmp_path / "settings.yaml"
    config.write_text(settings.to_yaml())
    assert load_settings(config) == settings
    assert yaml.safe_load(settings.to_yaml())["data"]["schema"] is None


def digest(*overrides: str) -> str:
    return load_settings(None, overrides).sha256()


def test_settings_that_a_run_left_may_have_keys_that_are_not_used(tmp_path):
    config = tmp_path / "settings.yaml"
    config.write_text("model: {architecture: fcn8s, dropout: 0.5, fc_width: 64}\n")
    assert "model.dropout" in complaint(config=config)
    (tmp_path / "metrics.json").write_text("{}")
    assert load_settings(config) == load_settings(None, ["model={architecture: fcn8s, fc_width: 64}"])


def test_settings_are_listed_with_the_architectures_that_have_them():
    listed = describe_settings(load_settings(None, ["model.architecture=fpn"])).splitlines()
    assert "model.architecture: fpn" in listed
    assert "model.pyramid_filters: 256  (only fpn, deeplabv3plus, mask_rcnn)" in listed
    assert "model.fc_width: 512  (only fcn32s, fcn16s, fcn8s)" in listed
    assert "model.encoder_width: 64  (only encoder plain)" in listed


def test_digest_follows_what_can_change_a_result():
    assert digest("data.path=/elsewhere", "output=runs/x") == digest()
    assert digest("trainer.seed=2") != digest()


@pytest.mark.parametrize(
    "override",
    [
        "beam.workers=7",
        "beam.engine=multi_processing",
        "beam={engine: flink, address: 'host:8081', worker_pool: 'host:50000'}",
        "metadata.url_variable=METADATA_URL",
        "push.directory=s3://bucket/models",
        "report.directory=/reports",
        "runner.image=registry/petseg:cpu",
        "runner.nodes={Trainer: {cpu: 8}}",
        "schedule.grace_hours=3",
        "trainer.cache=disk",
    ],
)
def test_paths_machines_and_engines_do_not_change_the_digest(override):
    assert digest(override) == digest()


def test_streamed_examples_change_the_digest():
    """They come in another order, which gives other weights."""
    assert digest("trainer.cache=none") != digest("trainer.cache=auto") == digest("trainer.cache=memory")


@pytest.mark.parametrize(
    ("key", "others"),
    [
        ("model.encoder_weights", ["null", "imagenet"]),
        ("trainer.warm_start", ["false", "true"]),
        ("data.schema", ["null"]),
    ],
)
def test_that_there_is_a_file_changes_the_digest_but_not_where_it_is(key, others):
    given = digest(f"{key}=/one/file")
    assert digest(f"{key}=/another/folder/file.new") == given
    assert len({given, *(digest(f"{key}={other}") for other in others)}) == 1 + len(others)


def test_other_data_gets_no_defaults_of_the_pets():
    settings = load_settings(None, ["data.format=folder", OTHER_CLASSES])
    assert settings.data.sized_class is None
    assert settings.data.schema_file is None
    assert settings.data.slice_features == ("slice/photo_size",)


def test_defaults_refuse():
    settings = PipelineSettings()
    assert settings.evaluation.floor == 0.60
    assert settings.evaluation.max_regression == 0.005
    assert settings.evaluation.split == "test"


@pytest.mark.parametrize("engine", ["in_memory", "multi_threading", "multi_processing"])
def test_the_local_engines_never_become_prism(engine):
    """By its short name Beam's local runner downloads Prism and runs on it, where there is a network."""
    options = PipelineOptions(BeamSettings(engine=engine).pipeline_args)
    runner = create_runner(options.view_as(StandardOptions).runner)
    assert type(runner).__name__ == "FnApiRunner"
    assert options.view_as(DirectOptions).direct_running_mode == engine


@pytest.mark.parametrize("config", sorted(Path("configs").rglob("*.yaml")), ids=lambda path: path.stem)
def test_every_config_is_valid_and_says_how_to_run_it(config, config_variables):
    load_settings(config).data.require_classes()
    head = config.read_text().split("\n\n", 1)[0]
    assert f"--config {config}" in config.read_text()
    assert head.startswith("#")


def test_data_without_classes_is_one_line_that_says_what_to_write():
    with pytest.raises(
        UserError, match=r"data\.classes .*configs/demo\.yaml.*extends: data/pets\.yaml"
    ) as caught:
        load_settings(None).data.require_classes()
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match=r"data\.classes"):
        _ = load_settings(None, ["data.format=folder"]).training


def test_the_pets_are_one_config():
    nothing, pets = load_settings(None), load_settings(PETS_CONFIG)
    assert (nothing.data.format, nothing.data.sized_class, nothing.evaluation.foreground) == (
        "folder",
        None,
        (),
    )
    assert nothing.data.slice_features == ("slice/photo_size",)
    assert pets.data.classes.names == ("pet", "background", "border")
    assert pets.data.slice_features == ("label/species", "label/breed", "slice/photo_size", "slice/pet_size")
    assert pets.evaluation.foreground == ("pet", "border")


def test_the_sized_class_is_among_the_default_slices():
    overrides = [OTHER_CLASSES, "data.sized_class=thing"]
    assert load_settings(None, overrides).data.slice_features == ("slice/photo_size", "slice/thing_size")


def test_thresholds_on_the_last_releases_names_are_read_with_one_line(caplog):
    former = "{metric: photo/mean_iou, minimum: 0.5}, {metric: photo/dice/pet, minimum: 0.5}"
    thresholds = load_settings(PETS_CONFIG, [f"evaluation.thresholds=[{former}]"]).evaluation.thresholds
    assert [threshold.metric for threshold in thresholds] == ["native/mean_iou", "native/dice/pet"]
    (line,) = [record.getMessage() for record in caplog.records if record.name == "petseg"]
    assert "photo/mean_iou is deprecated" in line
    assert "write native/mean_iou" in line
