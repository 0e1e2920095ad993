"""Writes the report's files."""

import json
import logging
import os
from typing import Any

import yaml
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from components.run_report.evaluated_model_card import model_card
from components.run_report.inputs import read_inputs
from components.run_report.metrics_json import metrics_json
from components.run_report.page import page
from petseg.files.atomic import write_atomic

logger = logging.getLogger("petseg")


class Executor(base_executor.BaseExecutor):
    """Reads the artifacts of the other nodes and writes the report; see RunReport."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes report.html, metrics.json, model_card.md and settings.yaml."""
        self._log_startup(input_dict, output_dict, exec_properties)
        report = artifact_utils.get_single_instance(output_dict["report"])
        inputs = read_inputs(input_dict, exec_properties)
        settings_yaml = yaml.safe_dump(inputs.settings, sort_keys=False, allow_unicode=True)
        files = {
            "metrics.json": json.dumps(metrics_json(inputs), indent=2) + "\n",
            "settings.yaml": settings_yaml,
            "model_card.md": model_card(inputs),
            "report.html": page(inputs, settings_yaml),
        }
        for name, content in files.items():
            write_atomic(os.path.join(report.uri, name), content)
        logger.info("report: %s", os.path.join(report.uri, "report.html"))
