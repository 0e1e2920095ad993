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
from petseg.files.atomic import write_atomic
from petseg.versions import (
    NONE,
    ProductionChangedError,
    model_digest,
    production_version,
    prune,
    publish,
    version_digest,
    withdrawal,
)

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
            self._refuse(pushed_model, _who_refused(input_dict))
            return
        model = self.GetModelPath(input_dict)
        digest = model_digest(model)
        current = production_version(settings.directory)
        if current != NONE and version_digest(settings.directory, current) == digest:
            self._MarkNotPushed(pushed_model)
            reason = f"already in production as version {current}"
            _record(pushed_model, pushed=False, version=current, reason=reason)
            return
        mark = None if settings.allow_withdrawn else withdrawal(settings.directory, digest)
        if mark:
            self._refuse(
                pushed_model,
                f"a rollback withdrew this model, version {mark.version}, at {mark.time}; to push it again "
                "set push.allow_withdrawn=true, or bring it back with rollback --version",
            )
            return
        try:
            version = publish(model, settings.directory, after=_compared_with(input_dict))
        except ProductionChangedError as error:
            self._refuse(pushed_model, str(error))
            return
        if settings.keep_versions is not None:
            prune(settings.directory, settings.keep_versions)
        io_utils.copy_dir(model, pushed_model.uri)
        self._MarkPushed(
            pushed_model,
            pushed_destination=os.path.join(settings.directory, version),
            pushed_version=version,
        )
        _record(pushed_model, pushed=True, version=version, reason=f"blessed, pushed as version {version}")

    def _refuse(self, pushed_model: types.Artifact, reason: str) -> None:
        self._MarkNotPushed(pushed_model)
        _record(pushed_model, pushed=False, version=None, reason=reason)


def _compared_with(input_dict: dict[str, list[types.Artifact]]) -> str | None:
    """Version that was in production when Evaluator compared the model; None where nothing tells."""
    if not input_dict.get("baseline_model"):
        return None
    baseline = artifact_utils.get_single_instance(input_dict["baseline_model"])
    return baseline.get_string_custom_property("version") or None


def _who_refused(input_dict: dict[str, list[types.Artifact]]) -> str:
    blessing = artifact_utils.get_single_instance(input_dict["model_blessing"])
    node = "ServingCheck" if model_utils.is_model_blessed(blessing) else "Evaluator"
    return f"not blessed by {node}"


def _record(pushed_model: types.Artifact, *, pushed: bool, version: str | None, reason: str) -> None:
    pushed_model.set_string_custom_property("version", version or NONE)
    verdict = {"pushed": pushed, "version": version, "reason": reason}
    write_atomic(os.path.join(pushed_model.uri, PUSH_FILE), json.dumps(verdict, indent=2))
    state = "pushed" if pushed else "not pushed" if version else "refused"
    logging.getLogger("petseg").info("%s: %s", state, reason)
