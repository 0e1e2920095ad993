"""ImportSchemaGen: publishes a schema text as two schemas."""

from typing import ClassVar

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import standard_artifacts
from tfx.types.component_spec import ChannelParameter, ComponentSpec, ExecutionParameter

from components.schema_import import executor


class ImportSchemaGenSpec(ComponentSpec):
    """Inputs, outputs and properties of ImportSchemaGen."""

    PARAMETERS = {"schema_text": ExecutionParameter(type=str)}
    INPUTS: ClassVar[dict[str, ChannelParameter]] = {}
    OUTPUTS = {
        "schema": ChannelParameter(type=standard_artifacts.Schema),
        "examples_schema": ChannelParameter(type=standard_artifacts.Schema),
    }


class ImportSchemaGen(base_component.BaseComponent):
    """Publishes a schema twice: for the small features, and for the whole raw example.

    TFX's own component takes a path; this one takes the text, so that a changed schema changes the cache key.

    Outputs:
        schema: The features of which statistics are computed and validated.
        examples_schema: The same, plus the names and bytes that Transform and Evaluator read.
    """

    SPEC_CLASS = ImportSchemaGenSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(self, schema_text: str):
        """Takes the schema of the small features as a text proto."""
        super().__init__(
            spec=ImportSchemaGenSpec(
                schema_text=schema_text,
                schema=types.Channel(type=standard_artifacts.Schema),
                examples_schema=types.Channel(type=standard_artifacts.Schema),
            )
        )
