"""Adds the task that observes the outside world to a compiled pipeline."""

import json
from typing import Any

from pipeline.settings import PipelineSettings

NODE = "Observe"
MODULE = "pipeline.runners.kubeflow.observe"

OBSERVED = {
    ("SegmentationExampleGen", "fingerprint"): "fingerprint",
    ("ProductionModel", "version"): "production_version",
    ("Trainer", "warm_start"): "training_files",
}
"""The task's output parameters by the properties that they replace."""


def begins_with_files(settings: PipelineSettings) -> bool:
    """Whether training begins with a weights file or a folder."""
    return any(_training_files(settings).values())


def add_observe_task(spec: dict[str, Any], settings: PipelineSettings, push_directory: str) -> None:
    """Adds the task, and makes its outputs properties of the nodes that read from outside.

    Args:
        spec: A compiled pipeline, whose tasks have the nodes' own names.
        settings: As compiled.
        push_directory: Folder of the pushed versions, as the steps see it.
    """
    # The same image, and as many retries, as the node that reads the data.
    reader = settings.runner.node("SegmentationExampleGen")
    spec["components"][NODE] = {
        "executorLabel": f"{NODE}_executor",
        "outputDefinitions": {"parameters": {key: {"parameterType": "STRING"} for key in OBSERVED.values()}},
    }
    watched = {
        "data": settings.data.model_dump(mode="json", by_alias=True),
        "push_directory": push_directory,
        **_training_files(settings),
    }
    spec["deploymentSpec"]["executors"][f"{NODE}_executor"] = {
        "container": {
            "image": reader.image or settings.runner.image,
            "command": ["python", "-m", MODULE],
            "args": ["--watched", json.dumps(watched), "--executor_input", "{{$}}"],
        }
    }
    tasks = spec["root"]["dag"]["tasks"]
    tasks[NODE] = {"componentRef": {"name": NODE}, "taskInfo": {"name": NODE}}
    for (node, name), key in OBSERVED.items():
        if node == "Trainer" and not begins_with_files(settings):
            continue
        tasks[node]["inputs"]["parameters"][name] = {
            "taskOutputParameter": {"producerTask": NODE, "outputParameterKey": key}
        }
        tasks[node].setdefault("dependentTasks", []).append(NODE)


def _training_files(settings: PipelineSettings) -> dict[str, str | None]:
    weights, warm_start = settings.model.encoder_weights, settings.trainer.warm_start
    return {
        "encoder_weights": None if weights == "imagenet" else weights,
        "warm_start": warm_start if isinstance(warm_start, str) else None,
    }
