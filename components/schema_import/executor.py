"""Writes the two schemas."""

import os
from typing import Any

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from petseg.files.atomic import write_atomic

UNCOUNTED_FEATURES = ("image/encoded", "image/name", "image/sha256", "mask/encoded")
"""Bytes features of every raw example, of which no statistics are computed."""


class Executor(base_executor.BaseExecutor):
    """Parses the schema's text and writes the two schema artifacts."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes `schema.pbtxt` into both outputs; see the component for the difference."""
        schema = text_format.Parse(exec_properties["schema_text"], schema_pb2.Schema())
        _write(schema, output_dict["schema"])
        for name in UNCOUNTED_FEATURES:
            schema.feature.append(required_feature(name, schema_pb2.BYTES))
        _write(schema, output_dict["examples_schema"])


def required_feature(name: str, kind: "schema_pb2.FeatureType.ValueType") -> schema_pb2.Feature:
    """A scalar that every example must have."""
    feature = schema_pb2.Feature(name=name, type=kind)
    feature.presence.min_fraction = 1
    feature.shape.SetInParent()
    return feature


def _write(schema: schema_pb2.Schema, artifacts: list[types.Artifact]) -> None:
    uri = artifact_utils.get_single_uri(artifacts)
    write_atomic(os.path.join(uri, "schema.pbtxt"), text_format.MessageToString(schema))
