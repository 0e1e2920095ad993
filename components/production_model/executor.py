"""Copies the model in production."""

from typing import Any

from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils
from tfx.utils import path_utils

from petseg.errors import UserError
from petseg.versions import NONE, check_production_model, fetch_version, production_version

LATEST = "latest"


class Executor(base_executor.BaseExecutor):
    """Copies one version of the push folder into a Model artifact, or leaves that empty."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Copies version `version` of `directory`; see the component.

        Raises:
            UserError: If that version is not, or no longer, in the folder, or no model of this pipeline.
        """
        directory, version = exec_properties["directory"], exec_properties["version"]
        if version == LATEST:
            check_production_model(directory)
            version = production_version(directory)
        model = artifact_utils.get_single_instance(output_dict["model"])
        model.set_string_custom_property("version", version)
        if version == NONE:
            return
        try:
            fetch_version(directory, version, path_utils.serving_model_path(model.uri))
        except FileNotFoundError:
            raise UserError(
                f"{directory}/{version}: the model that was in production when the run started is gone; "
                "run again"
            ) from None
        check_production_model(directory, version)
