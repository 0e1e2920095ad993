"""DatasetGate: lets data through, or stops the run with a table of what is wrong."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.artifacts import DataReport, GateReport
from components.dataset_gate import executor


class DatasetGateSpec(ComponentSpec):
    """Inputs and output of DatasetGate."""

    PARAMETERS: dict[str, ExecutionParameter] = {}
    INPUTS = {
        "anomalies": ChannelParameter(type=standard_artifacts.ExampleAnomalies),
        "statistics": ChannelParameter(type=standard_artifacts.ExampleStatistics),
        "data_report": ChannelParameter(type=DataReport),
    }
    OUTPUTS = {"gate": ChannelParameter(type=GateReport)}


class DatasetGate(base_component.BaseComponent):
    """Stops the run where there are anomalies, a split is empty, or a class has no pixel to learn from.

    Outputs:
        gate: `gate.json`: {"passed": true, "anomalies": []}. Nodes that must wait for it name it upstream.
    """

    SPEC_CLASS = DatasetGateSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        anomalies: types.BaseChannel,
        statistics: types.BaseChannel,
        data_report: types.BaseChannel,
    ):
        """Takes the outputs of ExampleValidator, StatisticsGen and SegmentationExampleGen."""
        super().__init__(
            spec=DatasetGateSpec(
                anomalies=anomalies,
                statistics=statistics,
                data_report=data_report,
                gate=types.Channel(type=GateReport),
            )
        )
