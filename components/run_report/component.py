"""The RunReport node: the results of the run, for people and for scripts."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts

from components.artifacts import DataReport, ExportedFiles, GateReport
from components.artifacts import RunReport as RunReportArtifact
from components.run_report.executor import Executor


class RunReportSpec(component_spec.ComponentSpec):
    """Inputs, outputs and properties of RunReport."""

    PARAMETERS = {
        "run": component_spec.ExecutionParameter(type=str),
        "settings": component_spec.ExecutionParameter(type=str),
        "settings_sha256": component_spec.ExecutionParameter(type=str),
        "code": component_spec.ExecutionParameter(type=str),
    }
    INPUTS = {
        "examples": component_spec.ChannelParameter(type=standard_artifacts.Examples),
        "data_report": component_spec.ChannelParameter(type=DataReport),
        "statistics": component_spec.ChannelParameter(type=standard_artifacts.ExampleStatistics),
        "schema": component_spec.ChannelParameter(type=standard_artifacts.Schema),
        "anomalies": component_spec.ChannelParameter(type=standard_artifacts.ExampleAnomalies),
        "gate": component_spec.ChannelParameter(type=GateReport),
        "model": component_spec.ChannelParameter(type=standard_artifacts.Model),
        "model_run": component_spec.ChannelParameter(type=standard_artifacts.ModelRun),
        "evaluation": component_spec.ChannelParameter(type=standard_artifacts.ModelEvaluation),
        "model_blessing": component_spec.ChannelParameter(type=standard_artifacts.ModelBlessing),
        "infra_blessing": component_spec.ChannelParameter(
            type=standard_artifacts.InfraBlessing, optional=True
        ),
        "baseline_model": component_spec.ChannelParameter(type=standard_artifacts.Model, optional=True),
        "exports": component_spec.ChannelParameter(type=ExportedFiles, optional=True),
        "pushed_model": component_spec.ChannelParameter(type=standard_artifacts.PushedModel, optional=True),
    }
    OUTPUTS = {"report": component_spec.ChannelParameter(type=RunReportArtifact)}


class RunReport(base_component.BaseComponent):
    """Writes `report.html`, `metrics.json`, `model_card.md` and `settings.yaml` of one run.

    Also runs when the model was refused. Everything except the predictions shown comes from the other nodes'
    artifacts; only the photos shown are predicted again.

    Args:
        examples: Raw examples; the photos shown come from the evaluated split.
        data_report: Of SegmentationExampleGen.
        statistics: Of StatisticsGen.
        schema: Of ImportSchemaGen, without the image features; its comparators define drift.
        anomalies: Of ExampleValidator.
        gate: Of DatasetGate, with the drift since the model in production was trained.
        model: The trained model.
        model_run: Of Trainer, with history.json.
        evaluation: Of Evaluator, with evaluation.json and photos.parquet.
        model_blessing: Of Evaluator.
        run_id: The run. Being new each time, it keeps the node out of the cache.
        settings: JSON of all settings.
        settings_sha256: The settings' digest, for metrics.json.
        code: Hash of the component's source.
        infra_blessing: Of ServingCheck; None where it is disabled.
        baseline_model: Of ProductionModel.
        exports: Of Exporter; None where nothing is exported.
        pushed_model: Of Pusher; None where nothing is pushed.
    """

    SPEC_CLASS = RunReportSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(Executor)

    def __init__(
        self,
        examples: types.Channel,
        data_report: types.Channel,
        statistics: types.Channel,
        schema: types.Channel,
        anomalies: types.Channel,
        gate: types.Channel,
        model: types.Channel,
        model_run: types.Channel,
        evaluation: types.Channel,
        model_blessing: types.Channel,
        run_id: str,
        settings: str,
        settings_sha256: str,
        code: str,
        infra_blessing: types.Channel | None = None,
        baseline_model: types.Channel | None = None,
        exports: types.Channel | None = None,
        pushed_model: types.Channel | None = None,
    ):
        super().__init__(
            RunReportSpec(
                examples=examples,
                data_report=data_report,
                statistics=statistics,
                schema=schema,
                anomalies=anomalies,
                gate=gate,
                model=model,
                model_run=model_run,
                evaluation=evaluation,
                model_blessing=model_blessing,
                infra_blessing=infra_blessing,
                baseline_model=baseline_model,
                exports=exports,
                pushed_model=pushed_model,
                run=run_id,
                settings=settings,
                settings_sha256=settings_sha256,
                code=code,
                report=types.Channel(type=RunReportArtifact),
            )
        )
