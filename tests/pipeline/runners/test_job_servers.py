"""Beam's job servers end with the node that needed them, however it ends; a stand-in is a real process."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.flink_runner import FlinkRunner

from petseg.errors import UserError
from pipeline.beam_checks.check import EngineRun
from pipeline.beam_checks.engine import check_engine, look_up
from pipeline.beam_settings import BeamSettings
from pipeline.runners.local.job_servers import stop_job_servers
from tests.beam_java import StandInJava
from tests.beam_workers import worker_pool
from tests.conftest import PROJECT, TINY, petseg


def start_one(java: StandInJava) -> None:
    options = PipelineOptions(["--flink_master=localhost:1", *java.engine_args])
    FlinkRunner().default_job_server(options).start()


@pytest.mark.parametrize("ending", [None, RuntimeError, KeyboardInterrupt])
def test_no_job_server_outlives_its_node(java, ending):
    before = signal.getsignal(signal.SIGINT)

    def node() -> None:
        with stop_job_servers():
            start_one(java)
            start_one(java)
            assert len(java.running()) == 2
            if ending:
                raise ending

    if ending:
        with pytest.raises(ending):
            node()
    else:
        node()
    assert len(java.started()) == 2
    assert java.left() == []
    assert signal.getsignal(signal.SIGINT) is before


def flink_run(java: StandInJava, flink: str, data: Path, output: Path, pool: str) -> list[str]:
    args = ", ".join(java.engine_args)
    return [
        "run", "--data", str(data), "--output", str(output), "--to", "SegmentationExampleGen", *TINY,
        "--set", "beam.engine=flink", "--set", f"beam.address={flink}",
        "--set", f"beam.worker_pool={pool}",
        "--set", f"beam.args=[{args}]",
    ]  # fmt: skip


@pytest.mark.slow
def test_a_run_leaves_none_and_ends_without_a_traceback(java, flink, sample, tmp_path):
    (tmp_path / "home").mkdir()
    with worker_pool(tmp_path / "home", has_project=True) as pool:
        done = petseg(
            *flink_run(java, flink, sample, tmp_path / "out", pool), JOB_SERVERS=os.environ["JOB_SERVERS"]
        )
    assert done.status == 0, done.stdout + done.stderr
    assert "Traceback" not in done.stderr
    assert java.started()
    assert java.left() == []


@pytest.mark.slow
def test_check_beam_runs_its_pipeline_on_the_job_server_that_beam_starts(java, flink, sample, tmp_path):
    (tmp_path / "home").mkdir()
    with worker_pool(tmp_path / "home", has_project=True) as pool:
        beam = BeamSettings(engine="flink", address=flink, worker_pool=pool, args=java.engine_args)
        *passed, last = check_engine(EngineRun(beam, str(sample), tmp_path / "out"), full=True)
    assert {step.status for step in passed} <= {"ok", "warning"}
    assert (last.step, last.status) == ("paths", "ok"), last.detail
    assert java.started()
    assert java.left() == []


@pytest.mark.parametrize(
    ("args", "refusal"),
    [
        (["--checkpointing_interval=10", "--faster_copy"], None),
        (
            ["--execution_retries=3", "--faster_copy"],
            "beam.args: Beam knows no --execution_retries=3 and would leave it out; correct",
        ),
        (["--faster_copy=true"], "beam.args: .*--faster_copy: ignored explicit argument 'true'"),
    ],
)
def test_a_quick_check_asks_it_about_arguments_that_beam_in_python_does_not_know(java, flink, args, refusal):
    run = EngineRun(
        BeamSettings(engine="flink", address=flink, image="petseg:cpu", args=(*java.engine_args, *args))
    )
    if refusal is None:
        look_up(run)
    else:
        with pytest.raises(UserError, match=refusal):
            look_up(run)
    assert java.started()
    assert java.left() == []


def test_arguments_that_beam_in_python_knows_need_no_job_server(java, flink):
    args = (*java.engine_args, "--save_main_session")
    look_up(EngineRun(BeamSettings(engine="flink", address=flink, image="petseg:cpu", args=args)))
    assert java.started() == []


def test_a_job_server_that_cannot_start_is_one_line(java, flink):
    java.launcher.write_text("#!/bin/sh\necho Error: Invalid or corrupt jarfile\nexit 1\n")
    args = (*java.engine_args, "--faster_copy")
    with pytest.raises(
        UserError, match=r"^beam\.engine flink: its job server does not start: .* error 1; try"
    ) as no:
        look_up(EngineRun(BeamSettings(engine="flink", address=flink, image="petseg:cpu", args=args)))
    assert "\n" not in str(no.value)


@pytest.mark.slow
def test_an_interrupted_run_leaves_none(java, flink, sample, tmp_path):
    (tmp_path / "home").mkdir()
    with worker_pool(tmp_path / "home", has_project=True) as pool:
        run = subprocess.Popen(
            [sys.executable, "pipeline_runner.py", *flink_run(java, flink, sample, tmp_path / "out", pool)],
            cwd=PROJECT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        while not java.started():
            assert run.poll() is None, run.stdout.read()
            time.sleep(0.05)
        run.send_signal(signal.SIGINT)
        said, _ = run.communicate(timeout=120)
    assert run.returncode == 130, said
    assert java.left() == []
