"""A pipeline of ten elements on the engine: its workers have the same versions and see the run's folders."""

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from petseg.errors import UserError
from petseg.files.object_store import is_url
from pipeline.beam_checks.check import EngineRun, Finding
from pipeline.beam_checks.explain import SHIP, explain
from pipeline.beam_checks.flink import with_flink_version

if TYPE_CHECKING:
    from pipeline.beam_checks.worker_trial import Sample

ELEMENTS = 10
RECORD_BYTES = 1000
SECONDS = 300
"""In which the pipeline must end; starting a job on a cluster takes most of it."""


def check_workers(run: EngineRun) -> Finding | None:
    """Workers run the pipeline, and have the same Python, Beam, TensorFlow and code as this process."""
    from pipeline.beam_checks.worker_trial import versions

    assert run.output is not None
    try:
        with _folder_in(run.output) as folder:
            sent = _send(folder)
            _run_pipeline(run, folder)
            _compare(folder, sent, run.output)
    except _Unseen as error:
        run.unseen = error
    same = ", ".join(f"{what} {version}" for what, version in versions().items())
    return Finding(f"ran {ELEMENTS} elements with {same}")


def check_paths(run: EngineRun) -> Finding | None:
    """The workers see the data, and what they write is seen here."""
    if run.unseen:
        raise run.unseen
    folders = " and ".join(str(path) for path in (run.data, run.output) if path)
    return Finding(f"the workers see {folders}: TFRecords written there and here are equal byte for byte")


class _Unseen(UserError):
    pass


@contextlib.contextmanager
def _folder_in(output: Path) -> Iterator[Path]:
    """An empty folder for the pipeline's files; nothing is left of it."""
    new = [path for path in (output, *output.parents) if not path.exists()]
    output.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".check-beam-", dir=output))
    # Workers may be another user's.
    folder.chmod(0o777)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        for path in new:
            with contextlib.suppress(OSError):
                path.rmdir()


def _send(folder: Path) -> bytes:
    """Writes records for the workers; returns the file's bytes."""
    import tensorflow as tf

    from pipeline.beam_checks.worker_trial import SENT_FILE

    file = folder / SENT_FILE
    with tf.io.TFRecordWriter(str(file)) as writer:
        for _ in range(ELEMENTS):
            writer.write(os.urandom(RECORD_BYTES))
    return file.read_bytes()


def _run_pipeline(run: EngineRun, folder: Path) -> None:
    import apache_beam as beam
    from apache_beam.options.pipeline_options import PipelineOptions
    from apache_beam.runners.runner import PipelineState

    from pipeline.beam_checks.worker_trial import SENT_FILE, TryWorker, first_sha256, versions
    from pipeline.runners.local.job_servers import stop_job_servers

    step = TryWorker(versions(), str(folder), first_sha256(str(folder / SENT_FILE)), _sample(run.data))
    options = PipelineOptions(with_flink_version(run.beam).pipeline_args)
    pipeline = beam.Pipeline(options=options)
    _ = (
        pipeline
        | "Elements" >> beam.Create(list(range(ELEMENTS)))
        | "Spread" >> beam.Reshuffle()
        | "Try" >> beam.ParDo(step)
    )
    with stop_job_servers():
        try:
            result = pipeline.run()
            state = result.wait_until_finish(duration=SECONDS * 1000)
        except Exception as error:
            raise _failure(str(error), run) from error
        if state != PipelineState.DONE:
            result.cancel()
            raise UserError(
                f"beam.engine {run.beam.engine}: a pipeline of {ELEMENTS} elements did not end in {SECONDS} "
                "s; look at the job's log on the cluster"
            )


def _failure(text: str, run: EngineRun) -> UserError:
    found = re.search(r"\[\[petseg (\w+): (.+?)\]\]", text, re.DOTALL)
    if found and found[1] == "paths":
        return _unseen(found[2])
    if found:
        return UserError(f"beam.engine {run.beam.engine}: {found[2]}; {SHIP}")
    lines = [line.strip() for line in text.splitlines() if line.strip()] or ["no message"]
    return UserError(
        explain(text, run.beam) or f"beam.engine {run.beam.engine}: a small pipeline failed: {lines[-1]}"
    )


def _compare(folder: Path, sent: bytes, output: Path) -> None:
    received = b"".join(
        file.read_bytes() if file.exists() else b""
        for file in (folder / f"received-{number}.tfrecord" for number in range(ELEMENTS))
    )
    if received != sent:
        raise _unseen(str(output))


def _unseen(path: str) -> _Unseen:
    return _Unseen(
        f"the workers do not see {path} as this process does: the workers must see it under the same path, "
        "on a shared folder; data may also be on s3:// or gs://"
    )


def _sample(data: str | None) -> "Sample | None":
    """The first file of the data that there is."""
    from pipeline.beam_checks.worker_trial import Sample, first_sha256

    if data is None or is_url(data):
        return Sample(data, "") if data else None
    for folder, folders, files in os.walk(data):
        folders.sort()
        if files:
            path = os.path.join(folder, min(files))
            return Sample(path, first_sha256(path))
    return None
