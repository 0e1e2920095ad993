"""Runs the Evaluator's executor on tiny models."""

import json
from pathlib import Path

import numpy as np
import pytest
from tfx.types import standard_artifacts

from components.evaluator.executor import Executor
from components.evaluator.settings import EvaluationSettings, EvaluatorSettings
from tests.components import tiny_models
from tests.components.evaluator.evaluated_photos import PHOTOS, SLICES, write_examples


@pytest.fixture(scope="session")
def masks() -> list[np.ndarray]:
    return tiny_models.random_masks(PHOTOS, seed=3)


@pytest.fixture(scope="session")
def examples(masks, tmp_path_factory) -> standard_artifacts.Examples:
    return write_examples(tmp_path_factory.mktemp("examples"), masks)


@pytest.fixture
def evaluate(examples, tmp_path):
    """Runs the executor; returns the result, the evaluation's folder and the blessing."""

    def run(
        candidate=None,
        baseline=None,
        beam_args=("--direct_running_mode=in_memory",),
        examples=examples,
        known_counts="",
        **evaluation,
    ):
        def model(name, settings):
            artifact = standard_artifacts.Model()
            artifact.uri = str(tmp_path / name)
            if settings is not None and not (tmp_path / name).exists():
                tiny_models.save_model(tmp_path / name / "Format-Serving", **settings)
            return artifact

        evaluated, blessing = standard_artifacts.ModelEvaluation(), standard_artifacts.ModelBlessing()
        for name, artifact in (("evaluation", evaluated), ("blessing", blessing)):
            artifact.uri = str(tmp_path / name)
            Path(artifact.uri).mkdir()
        settings = EvaluatorSettings(
            evaluation=EvaluationSettings(**{"batch_size": 4, **evaluation}),
            classes=tiny_models.TABLE,
            slice_features=SLICES,
        )
        context = Executor.Context(
            beam_pipeline_args=["--runner=DirectRunner", *beam_args], tmp_dir=str(tmp_path), unique_id="1"
        )
        Executor(context).Do(
            {
                "examples": [examples],
                "model": [model("candidate", candidate or {})],
                "baseline_model": [model("production", baseline)],
            },
            {"evaluation": [evaluated], "blessing": [blessing]},
            {
                "evaluation_settings": settings.model_dump_json(),
                "known_counts": str(known_counts),
                "code": "",
            },
        )
        result = json.loads((tmp_path / "evaluation" / "evaluation.json").read_text())
        return result, Path(evaluated.uri), blessing

    return run
