"""The schema of the small features: from a curated file, or made from the class table."""

from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2

from components.example_gen.metadata import table_columns
from components.example_gen.settings import DataSettings
from components.example_gen.spans import visible_folders
from components.schema_import.executor import required_feature
from petseg.errors import UserError
from petseg.files.object_store import as_path

SIZES = ("small", "medium", "large")

DRIFT_OF_NUMBERS = 0.1
"""Jensen-Shannon divergence from the train split of the model in production above which data has drifted."""


def schema_text(data: DataSettings) -> str:
    """Returns the text of the curated schema that `data.schema` names, or of one made from the class table.

    Raises:
        UserError: The schema file is missing or is not a schema.
    """
    if data.schema_file is None:
        return text_format.MessageToString(schema_of(data))
    path = as_path(data.schema_file)
    try:
        text = path.read_text(encoding="utf-8")
        text_format.Parse(text, schema_pb2.Schema())
    except FileNotFoundError:
        raise UserError(
            f"data.schema: {path} does not exist; null makes a schema from the class table"
        ) from None
    except (UnicodeDecodeError, text_format.ParseError) as error:
        raise UserError(f"data.schema: {path} is not a schema in text format: {error}") from None
    return text


def schema_of(data: DataSettings) -> schema_pb2.Schema:
    """Makes a schema of the small features from the class table and the slices."""
    schema = schema_pb2.Schema()
    for name in ("image/height", "image/width"):
        feature = required_feature(name, schema_pb2.INT)
        feature.int_domain.min = 1
        feature.int_domain.max = data.max_pixels
        feature.drift_comparator.jensen_shannon_divergence.threshold = DRIFT_OF_NUMBERS
        schema.feature.append(feature)
    for key in data.classes.keys:
        feature = required_feature(f"mask/share_{key}", schema_pb2.FLOAT)
        feature.float_domain.min = 0
        feature.float_domain.max = 1
        feature.drift_comparator.jensen_shannon_divergence.threshold = DRIFT_OF_NUMBERS
        schema.feature.append(feature)
    for sized in filter(None, ("photo", data.sized_key)):
        feature = required_feature(f"slice/{sized}_size", schema_pb2.BYTES)
        feature.string_domain.value.extend(SIZES)
        schema.feature.append(feature)
    for column in _label_columns(data):
        # Not required: a cell may be empty.
        feature = schema_pb2.Feature(name=f"label/{column}", type=schema_pb2.BYTES)
        feature.value_count.min, feature.value_count.max = 0, 1
        schema.feature.append(feature)
    return schema


def _label_columns(data: DataSettings) -> tuple[str, ...]:
    """Columns of the metadata table; where it cannot be read from here, those that the slices name."""
    if data.metadata is None:
        return ()
    folder = data
    if data.spans and data.path is not None:
        spans = visible_folders(as_path(data.path))
        folder = data.model_copy(update={"path": f"{data.path}/{spans[-1]}"}) if spans else data
    try:
        return table_columns(folder)
    except UserError:
        labels = (name for name in data.slice_features if name.startswith("label/"))
        return tuple(name.removeprefix("label/") for name in labels)
