"""The properties of the DAG's nodes: what each takes from the settings, from paths and from its own source.

A property is part of its node's cache key, so a node gets the settings that it uses and no others. A changed
learning rate does not make Transform run again.
"""

import json
from collections.abc import Collection
from typing import Any

import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx import v1 as tfx

from components.dataset_gate.settings import TrainedMasks
from components.example_gen.readers import READERS
from components.exporter.settings import ExporterSettings
from petseg.settings import Settings
from pipeline.paths import Observed, Paths
from pipeline.schema_text import schema_text
from pipeline.settings import PipelineSettings
from pipeline.source_hash import source_hash
from trainer.settings import TrainingSettings

Properties = dict[str, Any]


class NodeProperties:
    """Gives each node its arguments beside inputs and outputs, as keywords of its constructor.

    Args:
        settings: Everything that a run depends on.
        paths: Where artifacts and pushed models go.
        observed: What the process that starts the run sees of the data and of production.

    Raises:
        UserError: The schema file is missing or is not a schema.
    """

    def __init__(self, settings: PipelineSettings, paths: Paths, observed: Observed):
        self._settings = settings
        self._paths = paths
        self._observed = observed
        self._schema = schema_text(settings.data)

    def example_gen(self) -> Properties:
        """Everything about the data that a reader uses, and its fingerprint."""
        name = self._settings.data.format
        readers = {"components.example_gen.readers": READERS if name == "auto" else [name]}
        return {
            "data": self._settings.data.model_dump_json(by_alias=True, exclude={"schema_file"}),
            "fingerprint": self._observed.fingerprint,
            "code": source_hash("components.example_gen.component", chosen=readers),
        }

    def schema_gen(self) -> Properties:
        """The schema itself, so that a changed one is noticed."""
        return {"schema_text": self._schema}

    def statistics_gen(self) -> Properties:
        """The small features only: statistics of encoded images cost much and say nothing."""
        features = text_format.Parse(self._schema, schema_pb2.Schema()).feature
        allowlist = [feature.name for feature in features]
        return {"stats_options": tfdv.StatsOptions(feature_allowlist=allowlist)}

    def production_model(self) -> Properties:
        """Where pushed models are, and which one is in production."""
        return {"directory": self._paths.push_directory, "version": self._observed.production_version}

    def dataset_gate(self) -> Properties:
        """What the data must fulfil."""
        training = self._settings.training
        trained_masks = TrainedMasks(
            classes=training.classes,
            transform=training.transform.model_dump(mode="json"),
            input_size=training.model.input_size,
        )
        return {
            "gate_settings": _json(self._settings.gate),
            "trained_masks": _json(trained_masks),
            "code": source_hash("components.dataset_gate.component"),
        }

    def transform(self) -> Properties:
        """How a photo and its mask become the model's input and its labels."""
        training = self._settings.training
        return {
            "preprocessing_fn": "trainer.data.preprocessing.preprocessing_fn",
            "splits_config": tfx.proto.SplitsConfig(analyze=["train"], transform=["train", "eval"]),
            "disable_statistics": True,
            "custom_config": {
                # No JSON inside TFX's own JSON: ML Metadata cannot write backslashes to PostgreSQL.
                "settings": {
                    "classes": training.classes.model_dump(mode="json"),
                    # Windows are cut after Transform.
                    "transform": training.transform.model_dump(mode="json", exclude={"overlap"}),
                    "input_size": list(training.model.input_size),
                },
                "code": source_hash("components.transform.component", "trainer.data.preprocessing"),
            },
        }

    def tuner(self) -> Properties:
        """The training, and what is searched."""
        return {
            "tuner_fn": "trainer.tuner.tuner_fn",
            "custom_config": {
                "training": _json(self._training()),
                "tuner": _json(self._settings.tuner),
                "checkpoints": self._paths.checkpoints,
                "code": source_hash("trainer.tuner", chosen=self._chosen_for_training()),
            },
        }

    def trainer(self) -> Properties:
        """The training, and where an unfinished one is kept."""
        return {
            "training": _json(self._training()),
            "checkpoints": self._paths.checkpoints,
            "code": source_hash("components.model_trainer.component", chosen=self._chosen_for_training()),
            "warm_start": self._observed.warm_start,
        }

    def evaluator(self) -> Properties:
        """What is measured and what a model must reach."""
        evaluation = {
            "evaluation": self._settings.evaluation.model_dump(mode="json"),
            "classes": self._settings.data.classes.model_dump(mode="json"),
            "slice_features": self._settings.data.slice_features,
        }
        return {
            "evaluation": json.dumps(evaluation, ensure_ascii=False),
            "known_counts": self._paths.known_counts,
            "code": source_hash("components.evaluator.component"),
        }

    def serving_check(self) -> Properties:
        """The budgets of seconds and memory."""
        return {
            "serving_check": _json(self._settings.serving_check),
            "code": source_hash("components.serving_check.component"),
        }

    def exporter(self) -> Properties:
        """Formats and limits, and the features whose values are slices."""
        exporter = ExporterSettings(
            export=self._settings.export, slice_features=self._settings.data.slice_features
        )
        chosen = self._chosen_for_training() | {"trainer.export.formats": self._settings.export.formats}
        return {
            "export": _json(exporter),
            "code": source_hash("components.exporter.component", chosen=chosen),
        }

    def pusher(self) -> Properties:
        """Where pushed models go, how many stay, and whether withdrawn ones are taken."""
        push = self._settings.push.model_copy(update={"directory": self._paths.push_directory})
        return {"push": _json(push)}

    def run_report(self) -> Properties:
        """The run's name and all settings."""
        return {
            "run_id": self._observed.run_id,
            "settings": _json(self._settings),
            "settings_sha256": self._settings.sha256(),
            "code": source_hash("components.run_report.component"),
        }

    def _training(self) -> TrainingSettings:
        """The training's settings. In a local run, files have names that follow from their content, and the
        cache of the examples is `auto`, unless that decides their order.
        """
        training, observed = self._settings.training, self._observed
        model, trainer = training.model, training.trainer
        if observed.encoder_weights:
            model = model.model_copy(update={"encoder_weights": observed.encoder_weights})
        if observed.warm_start_folder:
            trainer = trainer.model_copy(update={"warm_start": observed.warm_start_folder})
        if observed.trainer_cache:
            trainer = trainer.model_copy(update={"cache": observed.trainer_cache})
        return training.model_copy(update={"model": model, "trainer": trainer})

    def _chosen_for_training(self) -> dict[str, Collection[str]]:
        """What is used of the trainer's registries: other networks' code does not change this one's hash."""
        training, tuner = self._settings.training, self._settings.tuner
        searched = tuner.search.items() if tuner.enabled else ()
        trainings = [
            training,
            *(training.with_values({key: value}) for key, search in searched for value in search.extremes),
        ]
        return {
            "trainer.models": [each.model.architecture for each in trainings],
            "trainer.models.encoders": [each.model.encoder for each in trainings],
            "trainer.losses": [name for each in trainings for name in each.trainer.losses],
            "trainer.data.augmentation": [
                name for each in trainings for name in each.trainer.augmentation.names
            ],
        }


def _json(settings: Settings) -> str:
    return settings.model_dump_json(by_alias=True)
