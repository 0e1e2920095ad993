"""The DAG: the one place where nodes are wired."""

import json

import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx import v1 as tfx
from tfx.dsl.components.base.base_component import BaseComponent

from components.dataset_gate.component import DatasetGate
from components.evaluator.component import Evaluator
from components.example_gen.component import SegmentationExampleGen
from components.model_trainer.component import Trainer
from components.production_model.component import ProductionModel
from components.pusher.component import Pusher
from components.run_report.component import RunReport
from components.schema_import.component import ImportSchemaGen
from components.serving_check.component import ServingCheck
from pipeline.paths import Observed, Paths
from pipeline.schema_text import schema_text
from pipeline.settings import PipelineSettings
from pipeline.source_hash import ROOT, source_hash

NOBODY_OBSERVED = Observed()


def create_pipeline(
    settings: PipelineSettings,
    paths: Paths,
    observed: Observed = NOBODY_OBSERVED,
    *,
    enable_cache: bool = True,
    beam_pipeline_args: list[str] | None = None,
) -> tfx.dsl.Pipeline:
    """Wires photos and masks to a judged and pushed model.

    Args:
        settings: Everything that a run depends on.
        paths: Where artifacts and pushed models go.
        observed: What the process that starts the run sees of the data and of production.
        enable_cache: Whether nodes with unchanged inputs are reused.
        beam_pipeline_args: Arguments of all Beam steps.
    """
    return tfx.dsl.Pipeline(
        pipeline_name=settings.name,
        pipeline_root=paths.pipeline_root,
        components=create_components(settings, paths, observed),
        enable_cache=enable_cache,
        beam_pipeline_args=beam_pipeline_args,
    )


def create_components(settings: PipelineSettings, paths: Paths, observed: Observed) -> list[BaseComponent]:
    """Returns the nodes in the order in which they run."""
    training = settings.training
    schema = schema_text(settings.data, base=ROOT)

    example_gen = SegmentationExampleGen(
        data=_json(settings.data),
        fingerprint=observed.fingerprint,
        code=source_hash(
            "components/example_gen",
            "petseg/files",
        ),
    )
    schema_gen = ImportSchemaGen(schema_text=schema)
    statistics_gen = tfx.components.StatisticsGen(
        examples=example_gen.outputs["examples"],
        schema=schema_gen.outputs["schema"],
        stats_options=tfdv.StatsOptions(feature_allowlist=_feature_names(schema)),
    )
    example_validator = tfx.components.ExampleValidator(
        statistics=statistics_gen.outputs["statistics"], schema=schema_gen.outputs["schema"]
    )
    production_model = ProductionModel(directory=paths.push_directory, version=observed.production_version)
    dataset_gate = DatasetGate(
        anomalies=example_validator.outputs["anomalies"],
        statistics=statistics_gen.outputs["statistics"],
        data_report=example_gen.outputs["data_report"],
        schema=schema_gen.outputs["schema"],
        production_model=production_model.outputs["model"],
        gate_settings=_json(settings.gate),
        code=source_hash("components/dataset_gate", "petseg/drift.py"),
    )
    transform = tfx.components.Transform(
        examples=example_gen.outputs["examples"],
        schema=schema_gen.outputs["examples_schema"],
        preprocessing_fn="trainer.data.preprocessing.preprocessing_fn",
        splits_config=tfx.proto.SplitsConfig(analyze=["train"], transform=["train", "eval"]),
        disable_statistics=True,
        custom_config={
            # No JSON in the JSON that TFX makes of it: ML Metadata cannot write backslashes to PostgreSQL.
            "settings": {
                "classes": training.classes.model_dump(mode="json"),
                "transform": training.transform.model_dump(mode="json"),
                "image_size": training.model.image_size,
            },
            "code": source_hash("trainer/data/preprocessing.py", "petseg/class_table.py"),
        },
    )
    transform.add_upstream_node(dataset_gate)
    tuner = tfx.components.Tuner(
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        tuner_fn="trainer.tuner.tuner_fn",
        custom_config={
            "training": _json(training),
            "tuner": _json(settings.tuner),
            "checkpoints": paths.checkpoints,
            "code": source_hash("trainer"),
        },
    )
    trainer = Trainer(
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        schema=schema_gen.outputs["schema"],
        statistics=statistics_gen.outputs["statistics"],
        training=_json(training),
        checkpoints=paths.checkpoints,
        code=source_hash("trainer", "components/model_trainer"),
        warm_start=observed.warm_start,
        base_model=production_model.outputs["model"] if settings.trainer.warm_start is True else None,
        hyperparameters=tuner.outputs["best_hyperparameters"] if settings.tuner.enabled else None,
    )
    evaluator = Evaluator(
        examples=example_gen.outputs["examples"],
        model=trainer.outputs["model"],
        baseline_model=production_model.outputs["model"],
        known_counts=paths.known_counts,
        evaluation=json.dumps(
            {
                "evaluation": settings.evaluation.model_dump(mode="json"),
                "classes": settings.data.classes.model_dump(mode="json"),
                "slice_features": settings.data.slice_features,
            },
            ensure_ascii=False,
        ),
        code=source_hash(
            "components/evaluator",
            "petseg/metrics",
        ),
    )
    serving_check = ServingCheck(
        model=trainer.outputs["model"],
        serving_check=_json(settings.serving_check),
        code=source_hash("components/serving_check"),
    )
    pusher = Pusher(
        model=trainer.outputs["model"],
        model_blessing=evaluator.outputs["blessing"],
        infra_blessing=serving_check.outputs["blessing"],
        push=json.dumps({"directory": paths.push_directory, "keep_versions": settings.push.keep_versions}),
    )
    judged_on_test = settings.evaluation.split == "test"
    run_report = RunReport(
        examples=example_gen.outputs["examples"],
        data_report=example_gen.outputs["data_report"],
        statistics=statistics_gen.outputs["statistics"],
        schema=schema_gen.outputs["schema"],
        anomalies=example_validator.outputs["anomalies"],
        gate=dataset_gate.outputs["gate"],
        model=trainer.outputs["model"],
        model_run=trainer.outputs["model_run"],
        evaluation=evaluator.outputs["evaluation"],
        model_blessing=evaluator.outputs["blessing"],
        infra_blessing=serving_check.outputs["blessing"],
        pushed_model=pusher.outputs["pushed_model"] if judged_on_test else None,
        baseline_model=production_model.outputs["model"],
        run_id=observed.run_id,
        settings=_json(settings),
        settings_sha256=settings.sha256(),
        code=source_hash("components/run_report"),
    )
    nodes = [
        example_gen, schema_gen, statistics_gen, example_validator, production_model, dataset_gate, transform,
        *([tuner] if settings.tuner.enabled else []), trainer, evaluator, serving_check,
    ]  # fmt: skip
    return [*nodes, pusher, run_report] if judged_on_test else [*nodes, run_report]


def _json(settings: object) -> str:
    return settings.model_dump_json(by_alias=True)  # type: ignore[attr-defined]


def _feature_names(schema: str) -> list[str]:
    return [feature.name for feature in text_format.Parse(schema, schema_pb2.Schema()).feature]
