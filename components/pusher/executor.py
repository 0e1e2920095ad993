"""Publishes a blessed model, or says why not."""

import json
import logging
import os
from pathlib import Path
from typing import Any

from tfx import types
from tfx.components.pusher import executor as tfx_pusher
from tfx.components.util import model_utils
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import io_utils

from components.pusher.best_kept import best_kept
from components.pusher.settings import PushSettings
from petseg.evaluation.exports import EXPORTS_FOLDER
from petseg.evaluation.files import EVALUATION_FILE, evaluation_file
from petseg.files.atomic import write_atomic
from petseg.files.links import link_tree
from petseg.files.object_store import is_url
from petseg.files.originals import with_originals
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
from petseg.versions.origin import ORIGIN_FILE, Origin

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
        evaluation = _evaluation(input_dict)
        # Before the push: afterwards this model is among the kept ones.
        best = best_kept(settings.directory, json.loads(evaluation)) if evaluation else None
        beside = {**self._origin(pushed_model, evaluation), **_exports(input_dict)}
        if evaluation:
            beside[EVALUATION_FILE] = evaluation
        verdict = self._push(input_dict, pushed_model, settings, beside)
        _record(pushed_model, verdict if best is None else {**verdict, "best_kept": best})

    def _push(
        self,
        input_dict: dict[str, list[types.Artifact]],
        pushed_model: types.Artifact,
        settings: PushSettings,
        beside: dict[str, str | Path],
    ) -> dict[str, Any]:
        """Pushes the model, or not; returns `pushed`, `version` and `reason`."""
        directory = str(settings.directory)
        self._MarkNotPushed(pushed_model)
        if not self.CheckBlessing(input_dict):
            return _refused(_who_refused(input_dict))
        model = self.GetModelPath(input_dict)
        digest = model_digest(model)
        current = production_version(directory)
        if current != NONE and version_digest(directory, current) == digest:
            reason = f"already in production as version {current}"
            return {"pushed": False, "version": current, "reason": reason}
        mark = None if settings.allow_withdrawn else withdrawal(directory, digest)
        if mark:
            return _refused(
                f"a rollback withdrew this model, version {mark.version}, at {mark.time}; to push it again "
                "set push.allow_withdrawn=true, or bring it back with rollback --version"
            )
        try:
            version = publish(model, directory, after=_compared_with(input_dict), beside=beside)
        except ProductionChangedError as error:
            return _refused(str(error))
        if settings.keep_versions is not None:
            prune(directory, settings.keep_versions)
        copy = io_utils.copy_dir if is_url(model) or is_url(pushed_model.uri) else link_tree
        copy(model, pushed_model.uri)
        self._MarkPushed(
            pushed_model, pushed_destination=os.path.join(directory, version), pushed_version=version
        )
        return {"pushed": True, "version": version, "reason": f"blessed, pushed as version {version}"}

    def _origin(self, pushed_model: types.Artifact, evaluation: str) -> dict[str, str | Path]:
        """The file that says which run pushed the model."""
        origin = Origin(
            run_id=(self._context.pipeline_run_id if self._context else "") or "",
            output=with_originals(pushed_model.uri).partition("/pipeline_root/")[0],
            examples=json.loads(evaluation).get("examples_uri", "") if evaluation else "",
        )
        return {ORIGIN_FILE: origin.to_json()}


def _exports(input_dict: dict[str, list[types.Artifact]]) -> dict[str, str | Path]:
    """Exporter's files by their paths in a version: none where there is no Exporter, or it refused all."""
    if not input_dict.get("exports"):
        return {}
    folder = Path(artifact_utils.get_single_uri(input_dict["exports"]))
    files = sorted(file for file in folder.iterdir() if file.is_file()) if folder.is_dir() else []
    return {f"{EXPORTS_FOLDER}/{file.name}": file for file in files}


def _evaluation(input_dict: dict[str, list[types.Artifact]]) -> str:
    """Content of Evaluator's evaluation.json; empty where the node is not given it."""
    if not input_dict.get("evaluation"):
        return ""
    uri = artifact_utils.get_single_uri(input_dict["evaluation"])
    with fileio.open(os.path.join(uri, evaluation_file(fileio.listdir(uri)))) as file:
        return file.read()


def _refused(reason: str) -> dict[str, Any]:
    return {"pushed": False, "version": None, "reason": reason}


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


def _record(pushed_model: types.Artifact, verdict: dict[str, Any]) -> None:
    pushed_model.set_string_custom_property("version", verdict["version"] or NONE)
    write_atomic(os.path.join(pushed_model.uri, PUSH_FILE), json.dumps(verdict, indent=2))
    state = "pushed" if verdict["pushed"] else "not pushed" if verdict["version"] else "refused"
    logging.getLogger("petseg").info("%s: %s", state, verdict["reason"])
