"""DatasetGate: passes the data, or stops the run with a table of anomalies."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.artifacts import DataReport, GateReport
from components.dataset_gate import executor


class DatasetGateSpec(ComponentSpec):
    """Inputs, output and properties of DatasetGate."""

    PARAMETERS = {
        "gate_settings": ExecutionParameter(type=str),
        "trained_masks": ExecutionParameter(type=str),
        "code": ExecutionParameter(type=str),
    }
    INPUTS = {
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "anomalies": ChannelParameter(type=standard_artifacts.ExampleAnomalies),
        "statistics": ChannelParameter(type=standard_artifacts.ExampleStatistics),
        "data_report": ChannelParameter(type=DataReport),
        "schema": ChannelParameter(type=standard_artifacts.Schema),
        "production_model": ChannelParameter(type=standard_artifacts.Model),
    }
    OUTPUTS = {"gate": ChannelParameter(type=GateReport)}


class DatasetGate(base_component.BaseComponent):
    """Stops the run if there are anomalies, a split is empty, or a class has no training pixel.

    A class needs pixels at native resolution and at the resolution that the model is trained at.

    It also compares the data with the statistics that the model in production carries: of the newest span its
    train pairs, of data without spans all train pairs.

    Outputs:
        gate: `gate.json`: {"passed": true, "anomalies": [], "drift": {...}}, where drift is null or
            {"span": name or null, "compared_with": version, "examples": n, "drifted": bool,
            "reason": a sentence, "distances": [{"feature", "measure", "value", "threshold", "drifted"}]}.
            Nodes that must wait for the gate name it as upstream.
    """

    SPEC_CLASS = DatasetGateSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        examples: types.BaseChannel,
        anomalies: types.BaseChannel,
        statistics: types.BaseChannel,
        data_report: types.BaseChannel,
        schema: types.BaseChannel,
        production_model: types.BaseChannel,
        gate_settings: str,
        trained_masks: str,
        code: str,
    ):
        """Creates the component.

        Args:
            examples: SegmentationExampleGen's.
            anomalies: ExampleValidator's.
            statistics: StatisticsGen's.
            data_report: SegmentationExampleGen's.
            schema: Of the small features, with their drift comparators.
            production_model: The model in production; an artifact without one: nothing is compared.
            gate_settings: JSON of GateSettings.
            trained_masks: JSON of TrainedMasks.
            code: Hash of the component's source.
        """
        super().__init__(
            spec=DatasetGateSpec(
                examples=examples,
                anomalies=anomalies,
                statistics=statistics,
                data_report=data_report,
                schema=schema,
                production_model=production_model,
                gate_settings=gate_settings,
                trained_masks=trained_masks,
                code=code,
                gate=types.Channel(type=GateReport),
            )
        )
