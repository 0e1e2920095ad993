"""Runs TFX's Transform with another way to write the transformed examples."""

from typing import Any
from unittest import mock

import apache_beam as beam
from tfx import types
from tfx.components.transform import executor

from components.transform.pixel_sink import PixelSink


class Executor(executor.Executor):
    """TFX's executor, but that PixelSink writes the examples.

    Beam's own sink for TFRecords spends more time on a photo's pixels than decoding and resizing do: it
    deflates them at zlib's default level, which has no setting.
    """

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """See TFX's executor."""
        # It names its processor in its own module and has no other way to choose one.
        with mock.patch.object(executor, "TransformProcessor", _Processor):
            super().Do(input_dict, output_dict, exec_properties)


class _Processor(executor.TransformProcessor):
    @staticmethod
    @beam.ptransform_fn
    def _EncodeAndWrite(pcoll: beam.PCollection, schema: Any, file_format: str, output_path: str) -> Any:
        return (
            pcoll
            | "EncodeAndSerialize" >> beam.ParDo(_Processor._RecordBatchToExamplesFn(schema))
            | "ExtractExamples" >> beam.Values()
            | "Write" >> beam.io.Write(PixelSink(output_path))
        )
