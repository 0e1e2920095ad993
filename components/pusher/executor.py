"""Publishes a blessed model, or says why not."""

import json
import logging
import os
from typing import Any

from tfx import types
from tfx.components.pusher import executor as tfx_pusher
from tfx.components.util import model_utils
from tfx.types import artifact_utils
from tfx.utils import io_utils

from components.pusher.settings import PushSettings
from petseg.versions import NONE, model_digest, production_version, prune, publish, version_digest

PUSH_FILE = "push.json"


class Executor(tfx_pusher.Executor):
    """TFX's Pusher with an atomic push."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Pushes `model` if it is blessed and not in production yet; see the component."""
        pushed_model = artifact_utils.get_single_instance(output_dict["pushed_model"])
        settings = PushSettings.model_validate_json(exec_properties["push"])
        if settings.directory is None:
            raise ValueError("push.directory must be the folder of versions. Received instead: None")
        if not self.CheckBlessing(input_dict):
            self._MarkNotPushed(pushed_model)
            _record(pushed_model, pushed=False, version=None, reason=_who_refused(input_dict))
            return
        model = self.GetModelPath(input_dict)
        current = production_version(settings.directory)
        if current != NONE and version_digest(settings.directory, current) == model_digest(model):
            self._MarkNotPushed(pushed_model)
            reason = f"already in production as version {current}"
            _record(pushed_model, pushed=False, version=current, reason=reason)
            return
        version = publish(model, settings.directory)
        if settings.keep_versions is not None:
            prune(settings.directory, settings.keep_versions)
        io_utils.copy_dir(model, pushed_model.uri)
        self._MarkPushed(
            pushed_model,
            pushed_destination=os.path.join(settings.directory, version),
            pushed_version=version,
        )
        _record(pushed_model, pushed=True, version=version, reason=f"blessed, pushed as version {version}")


def _who_refused(input_dict: dict[str, list[types.Artifact]]) -> str:
    blessing = artifact_utils.get_single_instance(input_dict["model_blessing"])
    node = "ServingCheck" if model_utils.is_model_blessed(blessing) else "Evaluator"
    return f"not blessed by {node}"


def _record(pushed_model: types.Artifact, *, pushed: bool, version: str | None, reason: str) -> None:
    pushed_model.set_string_custom_property("version", version or NONE)
    verdict = {"pushed": pushed, "version": version, "reason": reason}
    io_utils.write_string_file(os.path.join(pushed_model.uri, PUSH_FILE), json.dumps(verdict, indent=2))
    logging.getLogger("petseg").info("%s: %s", "pushed" if pushed else "not pushed", reason)
