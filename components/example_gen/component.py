"""SegmentationExampleGen: photos and masks in, checked raw examples out."""

from tfx import types
from tfx.dsl.components.base import base_beam_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.artifacts import DataReport
from components.example_gen import executor


class SegmentationExampleGenSpec(ComponentSpec):
    """Outputs and properties of SegmentationExampleGen."""

    PARAMETERS = {
        "data": ExecutionParameter(type=str),
        "fingerprint": ExecutionParameter(type=str),
        "code": ExecutionParameter(type=str),
    }
    INPUTS: dict[str, ChannelParameter] = {}
    OUTPUTS = {
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "data_report": ChannelParameter(type=DataReport),
    }


class SegmentationExampleGen(base_beam_component.BaseBeamComponent):
    """Reads photos and masks, checks them, and writes raw examples in the splits train, eval and test.

    It has no driver of its own, so it runs on every orchestrator. The property `fingerprint` changes with the
    data.

    Outputs:
        examples: tf.Examples as TFRecord with GZIP, sorted by name.
        data_report: `data_report.json`: counts, class shares, and what was repaired, quarantined or left
            out; with spans also `newest_span.parquet`, the small features of the newest span's training
            pairs.
    """

    SPEC_CLASS = SegmentationExampleGenSpec
    EXECUTOR_SPEC = executor_spec.BeamExecutorSpec(executor.Executor)

    def __init__(self, data: str, fingerprint: str, code: str):
        """Creates the component.

        Args:
            data: DataSettings as JSON.
            fingerprint: Hash of the data set's files when the run starts, see `fingerprint.fingerprint`.
            code: Hash of the code that makes the examples.
        """
        super().__init__(
            spec=SegmentationExampleGenSpec(
                data=data,
                fingerprint=fingerprint,
                code=code,
                examples=types.Channel(type=standard_artifacts.Examples),
                data_report=types.Channel(type=DataReport),
            )
        )
