"""The first task on a cluster: looks at the outside world, as the process that starts a local run does.

Its output parameters are properties of the nodes that read data, production and files to begin with. So a
cluster's cache notices what changed outside, and reuses the rest. The task itself is never cached.
"""

import argparse
import json
import os
import sys
from functools import partial
from pathlib import Path

from components.example_gen.fingerprint import fingerprint
from components.example_gen.settings import DataSettings
from petseg.settings import Settings
from petseg.versions import model_digest, production_version
from pipeline.runners.kubeflow.last_line import run_to_the_last_line
from pipeline.runners.local.pinned_files import file_digest

NODE = "Observe"


class Watched(Settings):
    """What lies outside the pipeline."""

    data: DataSettings
    push_directory: str
    encoder_weights: str | None
    warm_start: str | None


def observe(watched: Watched) -> dict[str, str]:
    """Returns the output parameters: fingerprints of what is outside now, and the version in production.

    Raises:
        UserError: A store cannot be reached.
    """
    weights, folder = watched.encoder_weights, watched.warm_start
    training_files = [file_digest(Path(weights)) if weights else "", model_digest(folder) if folder else ""]
    return {
        "fingerprint": fingerprint(watched.data),
        "production_version": production_version(watched.push_directory),
        "training_files": " ".join(training_files).strip(),
    }


def main(words: list[str]) -> int:
    """Observes, and writes each parameter into the file that the cluster names; returns the exit status."""
    parser = argparse.ArgumentParser(prog="observe", allow_abbrev=False)
    parser.add_argument("--watched", required=True, type=Watched.model_validate_json)
    parser.add_argument(
        "--executor_input", required=True, type=json.loads, help="kfp's ExecutorInput as JSON"
    )
    options = parser.parse_args(words)
    return run_to_the_last_line(NODE, partial(_write, options.watched, options.executor_input["outputs"]))


def _write(watched: Watched, outputs: dict) -> str:
    observed = observe(watched)
    for key, value in observed.items():
        file = Path(outputs["parameters"][key]["outputFile"])
        os.makedirs(file.parent, exist_ok=True)
        file.write_text(value)
    return f"production: {observed['production_version']}, data: {observed['fingerprint'][:12]}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
