"""The DAG. Nodes are wired here and nowhere else."""

from tfx import v1 as tfx
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.v1.components import ExampleValidator, StatisticsGen, Tuner

from components.dataset_gate.component import DatasetGate
from components.evaluator.component import Evaluator
from components.example_gen.component import SegmentationExampleGen
from components.exporter.component import Exporter
from components.model_trainer.component import Trainer
from components.production_model.component import ProductionModel
from components.pusher.component import Pusher
from components.run_report.component import RunReport
from components.schema_import.component import ImportSchemaGen
from components.serving_check.component import ServingCheck
from components.transform.component import Transform
from pipeline.node_properties import NodeProperties
from pipeline.paths import Observed, Paths
from pipeline.settings import PipelineSettings

NOT_OBSERVED = Observed()


def create_pipeline(
    settings: PipelineSettings,
    paths: Paths,
    observed: Observed = NOT_OBSERVED,
    *,
    enable_cache: bool = True,
    beam_pipeline_args: list[str] | None = None,
) -> tfx.dsl.Pipeline:
    """Wires photos and masks to an evaluated and pushed model.

    Args:
        settings: Everything that a run depends on.
        paths: Folders of artifacts and pushed models.
        observed: What the process that starts the run sees of the data and of production.
        enable_cache: Whether nodes with unchanged inputs are reused.
        beam_pipeline_args: Beam arguments of all steps.

    Examples:
        >>> from pathlib import Path
        >>> from pipeline.settings import load_settings
        >>> settings = load_settings(Path("configs/demo.yaml"), ["trainer.epochs=2"])
        >>> paths = Paths("out/pipeline_root", push_directory="out/serving_model", work="out/work")
        >>> pipeline = create_pipeline(settings, paths)
        >>> [node.id for node in pipeline.components][-3:]
        ['ServingCheck', 'Pusher', 'RunReport']
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
    properties = NodeProperties(settings, paths, observed)
    tuned, on_test = settings.tuner.enabled, settings.evaluation.split == "test"
    exported = bool(settings.export.formats)

    example_gen = SegmentationExampleGen(**properties.example_gen())
    examples, data_report = example_gen.outputs["examples"], example_gen.outputs["data_report"]
    schema_gen = ImportSchemaGen(**properties.schema_gen())
    schema, examples_schema = schema_gen.outputs["schema"], schema_gen.outputs["examples_schema"]
    statistics_gen = StatisticsGen(examples=examples, schema=schema, **properties.statistics_gen())
    statistics = statistics_gen.outputs["statistics"]
    example_validator = ExampleValidator(statistics=statistics, schema=schema)
    anomalies = example_validator.outputs["anomalies"]
    production_model = ProductionModel(**properties.production_model())
    production = production_model.outputs["model"]
    dataset_gate = DatasetGate(
        examples=examples, anomalies=anomalies, statistics=statistics, data_report=data_report, schema=schema,
        production_model=production, **properties.dataset_gate(),
    )  # fmt: skip

    transform = Transform(examples=examples, schema=examples_schema, **properties.transform())
    transform.add_upstream_node(dataset_gate)
    transformed = {
        "examples": transform.outputs["transformed_examples"],
        "transform_graph": transform.outputs["transform_graph"],
    }
    tuner = Tuner(**transformed, **properties.tuner())
    trainer = Trainer(
        **transformed, schema=schema, statistics=statistics, **properties.trainer(),
        base_model=production if settings.trainer.warm_start is True else None,
        hyperparameters=tuner.outputs["best_hyperparameters"] if tuned else None,
    )  # fmt: skip
    model = trainer.outputs["model"]

    evaluator = Evaluator(examples=examples, model=model, baseline_model=production, **properties.evaluator())
    serving_check = ServingCheck(examples=examples, model=model, **properties.serving_check())
    blessings = {
        "model_blessing": evaluator.outputs["blessing"],
        "infra_blessing": serving_check.outputs["blessing"],
    }
    evaluation = evaluator.outputs["evaluation"]
    exporter = Exporter(examples=examples, model=model, **blessings, **properties.exporter())
    exports = exporter.outputs["exports"] if exported else None
    pusher = Pusher(
        model=model, baseline_model=production, evaluation=evaluation, exports=exports, **blessings,
        **properties.pusher(),
    )  # fmt: skip
    run_report = RunReport(
        examples=examples, data_report=data_report, statistics=statistics, schema=schema, anomalies=anomalies,
        gate=dataset_gate.outputs["gate"], model=model, model_run=trainer.outputs["model_run"],
        evaluation=evaluation, baseline_model=production, exports=exports, **blessings,
        pushed_model=pusher.outputs["pushed_model"] if on_test else None, **properties.run_report(),
    )  # fmt: skip
    return [
        example_gen, schema_gen, statistics_gen, example_validator, production_model, dataset_gate, transform,
        *([tuner] if tuned else []), trainer, evaluator, serving_check,
        *([exporter] if exported else []), *([pusher] if on_test else []), run_report,
    ]  # fmt: skip
