"""The data steps on each engine that one machine can bring up: the same examples, the same figures."""

import contextlib
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from pipeline.settings import load_settings
from tests.beam_workers import job_service, worker_pool
from tests.components import tiny_pairs
from tests.components.tiny_pairs import pets_data, run_example_gen
from tests.conftest import PROJECT, TINY, petseg

SHIPPED = f"beam.setup_file={PROJECT}/setup.py"


def portable(jobs: str, pool: str) -> list[str]:
    return ["beam.engine=portable", f"beam.address={jobs}", f"beam.worker_pool={pool}"]


def as_options(settings: list[str]) -> list[str]:
    return [option for setting in settings for option in ("--set", setting)]


@pytest.fixture
def engine(request, tmp_path):
    """Settings of an engine; its workers run as long as the test."""
    if not request.param.startswith("portable"):
        yield [f"beam.engine={request.param}"]
        return
    home = tmp_path / "workers"
    home.mkdir()
    shipped = request.param == "portable, shipped"
    with jobs(tmp_path) as address, worker_pool(home, has_project=not shipped) as pool:
        yield [*portable(address, pool), *([SHIPPED] if shipped else [])]


@contextlib.contextmanager
def jobs(folder: Path) -> Iterator[str]:
    (folder / "jobs").mkdir()
    with job_service(folder / "jobs") as address:
        yield address


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["portable", "portable, shipped"], indirect=True)
def test_example_gen_writes_the_same_examples(engine, tmp_path):
    data = pets_data(tiny_pairs.write_pets(tmp_path / "pets"))
    here = run_example_gen(tmp_path / "here", data)
    there = run_example_gen(tmp_path / "there", data, load_settings(None, engine).beam.pipeline_args)
    assert there.report == here.report
    for split in ("train", "eval", "test"):
        assert there.names(split) == here.names(split)
        for name in here.names(split):
            assert there.example(name) == here.example(name)


@pytest.mark.slow
def test_workers_without_the_project_need_it_shipped(tmp_path):
    """Else the test above would show nothing."""
    home = tmp_path / "workers"
    home.mkdir()
    data = pets_data(tiny_pairs.write_pets(tmp_path / "pets"))
    with jobs(tmp_path) as address, worker_pool(home, has_project=False) as pool:
        args = load_settings(None, portable(address, pool)).beam.pipeline_args
        with pytest.raises(Exception, match="No module named"):
            run_example_gen(tmp_path / "out", data, args)


@pytest.mark.slow
@pytest.mark.parametrize(
    "engine", ["multi_threading", "multi_processing", "portable", "portable, shipped"], indirect=True
)
def test_figures_are_those_of_the_first_run(first_run, engine, tmp_path):
    """All data steps run on the engine; the model is trained again on what they wrote."""
    done = petseg(
        "run",
        "--data",
        first_run.data,
        "--output",
        tmp_path / "out",
        *TINY,
        *as_options(engine),
        timeout=1500,
    )
    assert done.status == 0, done.stdout + done.stderr
    of_runs = [
        json.loads(next((output / "runs").glob("*/metrics.json")).read_text())
        for output in (first_run.output, tmp_path / "out")
    ]
    for group in ("model", "native"):
        one, other = (metrics[group] for metrics in of_runs)
        assert other["mean_iou"] == pytest.approx(one["mean_iou"], abs=1e-6)
        assert other["iou"] == pytest.approx(one["iou"], abs=1e-6)
