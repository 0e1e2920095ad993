"""Runs the client in a clean process, compares its measurements with the limits, and blesses the model."""

import dataclasses
import json
import logging
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import tensorflow as tf
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils
from tfx.utils import path_utils

from components.serving_check import model_server
from components.serving_check.request_files import TOLERANCE, Request, TrainingPhoto, write_requests
from components.serving_check.rest_check import check_rest
from components.serving_check.settings import ServingCheckSettings
from petseg.files.atomic import write_atomic
from petseg.saved_model import MODEL_SETTINGS

RESULT_FILE = "serving_check.json"
BLESSED_KEY = "blessed"
FILE_NAMES = {True: "INFRA_BLESSED", False: "INFRA_NOT_BLESSED"}
"""Property and files that TFX's InfraValidator writes and its Pusher reads."""

MEASUREMENTS = ("load_seconds", "p50_seconds", "p99_seconds", "latency", "peak_memory_mb")

LATENCY_SECONDS = 60.0
"""Longest time to measure the latency once."""

logger = logging.getLogger("petseg")


class Executor(base_executor.BaseExecutor):
    """Blesses a model that fulfills its contract within the limits; see ServingCheck."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Checks the model and writes the verdict. A model that fails is refused; the node succeeds."""
        self._log_startup(input_dict, output_dict, exec_properties)
        model = artifact_utils.get_single_instance(input_dict["model"])
        blessing = artifact_utils.get_single_instance(output_dict["blessing"])
        settings = ServingCheckSettings.model_validate_json(exec_properties["serving_check"])
        model_dir = path_utils.serving_model_path(model.uri, path_utils.is_old_model_artifact(model))

        photo = training_photo(input_dict.get("examples"))
        result = check_model(model_dir, settings, photo)
        logger.info("serving check: %s: %s", "passed" if result["passed"] else "refused", result["reason"])
        write_atomic(os.path.join(blessing.uri, RESULT_FILE), json.dumps(result, indent=2) + "\n")
        write_atomic(os.path.join(blessing.uri, FILE_NAMES[result["passed"]]), "")
        blessing.set_int_custom_property(BLESSED_KEY, int(result["passed"]))


def check_model(
    model_dir: str, settings: ServingCheckSettings, photo: TrainingPhoto | None = None
) -> dict[str, Any]:
    """Sends a SavedModel the requests of a client.

    Args:
        model_dir: Folder of the SavedModel.
        settings: Limits and timeout.
        photo: A photo of the training data; None: there is none.

    Returns:
        The content of serving_check.json.
    """
    with tempfile.TemporaryDirectory(prefix="serving_check_") as folder:
        requests = write_requests(Path(folder), photo)
        found = _run_client(model_dir, Path(folder), requests, settings)
        if all(check["passed"] for check in found["checks"]):
            found["checks"] += _limit_checks(found, settings)
            found["checks"] += check_rest(Path(folder), requests, settings.max_response_mb)
            found["checks"] += model_server.check(model_dir, Path(folder), requests, settings.timeout_seconds)
    failed = [check for check in found["checks"] if not check["passed"]]
    return {
        "passed": not failed,
        "reason": _reason(found, failed),
        "checks": found["checks"],
        **{name: found.get(name) for name in MEASUREMENTS},
    }


def training_photo(examples: list[types.Artifact] | None) -> TrainingPhoto | None:
    """The first photo of the eval split of raw examples, as it is stored there."""
    if not examples:
        return None
    uri = artifact_utils.get_split_uri(examples, "eval")
    files = sorted(name for name in fileio.listdir(uri) if not name.startswith("."))
    record = next(tf.data.TFRecordDataset(os.path.join(uri, files[0]), "GZIP").as_numpy_iterator())
    feature = tf.train.Example.FromString(record).features.feature
    height, width = (feature[f"image/{side}"].int64_list.value[0] for side in ("height", "width"))
    return TrainingPhoto(feature["image/encoded"].bytes_list.value[0], height, width)


def _slides_windows(model_dir: str) -> bool:
    """Whether the model slides windows over photos; models of other programs do not say it."""
    file = os.path.join(model_dir, MODEL_SETTINGS)
    if not fileio.exists(file):
        return False
    with fileio.open(file) as content:
        return bool(json.loads(content.read()).get("transform", {}).get("fit") == "tile")


def _run_client(
    model_dir: str, folder: Path, requests: list[Request], settings: ServingCheckSettings
) -> dict[str, Any]:
    """Runs client.py until it ends, crashes or times out, and returns its result."""
    spec, result = folder / "spec.json", folder / "result.json"
    spec.write_text(
        json.dumps(
            {
                "folder": str(folder),
                "requests": [dataclasses.asdict(request) for request in requests],
                "latency": {
                    "requests": settings.requests,
                    "seconds": LATENCY_SECONDS,
                    "limit": settings.max_p99_seconds,
                },
                "tolerance": TOLERANCE,
                "slides_windows": _slides_windows(model_dir),
            }
        )
    )
    client = Path(__file__).with_name("client.py")
    command = [sys.executable, "-I", str(client), model_dir, str(spec), str(result)]
    try:
        process = subprocess.run(
            command,
            env=_clean_environment(),
            capture_output=True,
            text=True,
            errors="replace",
            timeout=settings.timeout_seconds,
            check=False,
        )
        crash = _cause_of_crash(process) if process.returncode else None
    except subprocess.TimeoutExpired:
        crash = f"killed after serving_check.timeout_seconds = {settings.timeout_seconds:g} s"
    found: dict[str, Any] = (
        json.loads(result.read_text()) if result.exists() else {"checks": [], "current": None}
    )
    if crash:
        found["checks"].append(
            {"name": found["current"] or "start of the client", "passed": False, "detail": crash}
        )
    return found


def _clean_environment() -> dict[str, str]:
    """An environment without what this process or TFX has set, and without accelerators.

    Every server has a CPU, and the pipeline's own process may hold all memory of an accelerator.
    """
    kept = {
        name: os.environ[name] for name in ("PATH", "HOME", "LD_LIBRARY_PATH", "TMPDIR") if name in os.environ
    }
    return {**kept, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}


def _cause_of_crash(process: subprocess.CompletedProcess[str]) -> str:
    if process.returncode < 0:
        return f"the process was killed by {signal.Signals(-process.returncode).name}"
    last = (process.stderr.strip().splitlines() or ["no message"])[-1]
    return f"the process ended with status {process.returncode}: {last[:300]}"


def _limit_checks(found: dict[str, Any], settings: ServingCheckSettings) -> list[dict[str, Any]]:
    latency = found["latency"]
    measured = f" in the better of {latency['tries']} tries" if latency["tries"] > 1 else ""
    limits = (
        ("load time", found["load_seconds"], "max_load_seconds", "s", ""),
        (
            f"{latency['metric']} latency",
            latency["seconds"],
            "max_p99_seconds",
            "s",
            f"; {_requests(latency)}{measured}",
        ),
        ("peak memory", found["peak_memory_mb"], "max_memory_mb", "MB", ""),
    )
    checks = []
    for name, value, key, unit, more in limits:
        limit = getattr(settings, key)
        sign, passed = ("within", True) if value <= limit else ("above", False)
        detail = f"{value:.4g} {unit} is {sign} serving_check.{key} = {limit:g} {unit}{more}"
        checks.append({"name": name, "passed": passed, "detail": detail})
    return checks


def _requests(latency: dict[str, Any]) -> str:
    """How many requests were measured; too few for a 99th percentile are compared by their median."""
    few = ", too few for a p99, so the median counts" if latency["metric"] == "median" else ""
    return f"requests: {latency['requests']}{few}"


def _reason(found: dict[str, Any], failed: list[dict[str, Any]]) -> str:
    if failed:
        more = f" (and {len(failed) - 1} more)" if len(failed) > 1 else ""
        return f"{failed[0]['name']}: {failed[0]['detail']}{more}"
    latency = found["latency"]
    return (
        f"{len(found['checks'])} checks passed; load {found['load_seconds']:.1f} s, {latency['metric']} "
        f"latency {latency['seconds']:.3f} s ({_requests(latency)}), {found['peak_memory_mb']:.0f} MB"
    )
