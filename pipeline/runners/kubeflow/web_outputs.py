"""Outputs of RunReport that the cluster's own web pages show: the report, and its metrics.

Kubeflow shows the object at the URI of a `system.HTML`, and the metadata of a `system.Metrics`:
https://github.com/kubeflow/pipelines/blob/2.16.1/frontend/src/components/viewers/MetricsVisualizations.tsx,
functions getHtmlViewerConfig and ScalarMetricsSection. Vertex shows the same types:
https://cloud.google.com/vertex-ai/docs/pipelines/output-html-md.
"""

import json
import os
from collections.abc import Callable
from typing import Any

from pipeline.runners.kubeflow.executor_input import JsonObject, artifacts_of

REPORT = "report"
"""RunReport's own output, with report.html and metrics.json."""

TYPES = {"html": "system.HTML", "metrics": "system.Metrics"}
"""Types of the outputs that are added, by their keys."""


def add_web_outputs(component: JsonObject) -> None:
    """Adds the outputs to the definition of RunReport's component in a compiled pipeline."""
    for key, title in TYPES.items():
        component["outputDefinitions"]["artifacts"][key] = {
            "artifactType": {"schemaTitle": title, "schemaVersion": "0.0.1"}
        }


def is_report(outputs: JsonObject) -> bool:
    """Whether a step with these outputs is RunReport's."""
    return REPORT in outputs.get("artifacts", {})


def report_verdict(outputs: JsonObject) -> str:
    """Whether the run's model was blessed, and why, in one line.

    Args:
        outputs: Of kfp's ExecutorInput, after the node has run.
    """
    metrics = _metrics(outputs)
    return f"{'blessed' if metrics['blessed'] else 'refused'}: {metrics['reason']}"


def web_outputs(
    added: JsonObject, own: JsonObject, path_of: Callable[[JsonObject], str]
) -> dict[str, JsonObject]:
    """Writes the added outputs, and returns them as entries of kfp's ExecutorOutput.

    Args:
        added: Outputs of kfp's ExecutorInput, the added ones among them.
        own: RunReport's own outputs, with the paths where it wrote.
        path_of: Where an artifact is written.
    """
    from tfx.dsl.io import fileio

    artifacts = {key: artifact for key, artifact in artifacts_of(added) if key in TYPES}
    if "html" in artifacts:
        path = path_of(artifacts["html"])
        fileio.makedirs(os.path.dirname(path))
        fileio.copy(os.path.join(_folder(own), "report.html"), path, overwrite=True)
    scalars = _scalars(_metrics(own)) if "metrics" in artifacts else {}
    return {
        key: {"artifacts": [{"metadata": scalars if key == "metrics" else {}}]} for key in sorted(artifacts)
    }


def _folder(own: JsonObject) -> str:
    return next(artifact["uri"] for key, artifact in artifacts_of(own) if key == REPORT)


def _metrics(own: JsonObject) -> dict[str, Any]:
    from tfx.dsl.io import fileio

    with fileio.open(os.path.join(_folder(own), "metrics.json")) as file:
        return json.loads(file.read())


def _scalars(metrics: dict[str, Any]) -> dict[str, float]:
    """The metrics at native resolution that have a value, by name."""
    native = metrics["native"]
    scalars = {
        "mean_iou": native["mean_iou"],
        "pixel_accuracy": native["pixel_accuracy"],
        **{f"iou_{name}": value for name, value in native["iou"].items()},
    }
    return {name: value for name, value in scalars.items() if value is not None}
