"""Exports a blessed model and evaluates the files, or does nothing."""

import logging
from pathlib import Path
from typing import Any

from tfx import types
from tfx.components.util import model_utils
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import io_utils, path_utils

from components.exporter.export_files import export_files
from components.exporter.settings import ExporterSettings
from petseg.shards import shard_files

TEST, TRAIN = "test", "train"


class Executor(base_executor.BaseExecutor):
    """Writes exported files into the artifact `exports`."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Exports `model` if it is blessed; see the component."""
        settings = ExporterSettings.model_validate_json(exec_properties["export_settings"])
        refused = [name for name in ("model_blessing", "infra_blessing") if not _is_blessed(name, input_dict)]
        if refused:
            logging.getLogger("petseg").info("exports: none, the model was refused")
            return
        examples = input_dict["examples"]
        export_files(
            path_utils.serving_model_path(artifact_utils.get_single_uri(input_dict["model"])),
            _split(examples, TRAIN),
            _split(examples, TEST),
            settings.export,
            settings.slice_features,
            Path(artifact_utils.get_single_uri(output_dict["exports"])),
        )


def _is_blessed(name: str, input_dict: dict[str, list[types.Artifact]]) -> bool:
    blessing = artifact_utils.get_single_instance(input_dict[name])
    if name == "model_blessing":
        return model_utils.is_model_blessed(blessing)
    return model_utils.is_infra_validated(blessing)


def _split(examples: list[types.Artifact], split: str) -> list[str]:
    return shard_files([io_utils.all_files_pattern(artifact_utils.get_split_uri(examples, split))])
