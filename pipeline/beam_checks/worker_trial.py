"""What a worker does in the pipeline of ten elements; this module must be light to import."""

import hashlib
import os
import platform
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from importlib import metadata

import apache_beam as beam

from petseg.files.object_store import as_path, is_url
from pipeline.source_hash import source_hash

SENT_FILE = "sent.tfrecord"
SAMPLE_BYTES = 2**20
"""Read of a file at most, to compare it."""

NODES = (
    "components.example_gen.component",
    "components.transform.component",
    "components.evaluator.component",
    "trainer.data.preprocessing",
)
"""Modules whose code runs on the workers."""


class TrialError(Exception):
    """What is wrong on a worker. Only its text arrives, somewhere in the message of an engine.

    Attributes:
        check: `workers` or `paths`.
    """

    def __init__(self, check: str, message: str):
        super().__init__(f"[[petseg {check}: {message}]]")


@dataclass(frozen=True)
class Sample:
    """A file of the data, which the workers must read alike.

    Attributes:
        path: Of a file, or URL of the data's folder.
        sha256: Its `first_sha256`; empty for a URL.
    """

    path: str
    sha256: str


class TryWorker(beam.DoFn):
    """Compares a worker with the process that started the pipeline, and writes a TFRecord for each element.

    Raises:
        TrialError: They differ, or the worker does not see a folder.
    """

    def __init__(self, versions: dict[str, str], folder: str, sha256: str, sample: Sample | None):
        """Initializes the step.

        Args:
            versions: What `versions` returned here.
            folder: Has the sent records, gets the received ones.
            sha256: `first_sha256` of the file with the sent records.
            sample: A file of the data.
        """
        self._versions = versions
        self._folder = folder
        self._sha256 = sha256
        self._sample = sample

    def process(self, number: int) -> Iterator[None]:
        """Reads the sent records and writes one of them."""
        self._compare_versions()
        self._compare_files()
        self._write(number)
        yield None

    def _compare_versions(self) -> None:
        here = versions()
        for what, expected in self._versions.items():
            if here[what] != expected:
                raise TrialError(
                    "workers", f"{what} is {here[what]} on worker {socket.gethostname()}, and {expected} here"
                )

    def _compare_files(self) -> None:
        sent = os.path.join(self._folder, SENT_FILE)
        if not os.path.isfile(sent) or first_sha256(sent) != self._sha256:
            raise TrialError("paths", os.path.dirname(self._folder))
        sample = self._sample
        if sample and is_url(sample.path):
            if not as_path(sample.path).is_dir():
                raise TrialError("paths", sample.path)
        elif sample and not (os.path.isfile(sample.path) and first_sha256(sample.path) == sample.sha256):
            raise TrialError("paths", sample.path)

    def _write(self, number: int) -> None:
        import tensorflow as tf

        sent = os.path.join(self._folder, SENT_FILE)
        record = list(tf.data.TFRecordDataset(sent).as_numpy_iterator())[number]
        with tf.io.TFRecordWriter(os.path.join(self._folder, f"received-{number}.tfrecord")) as writer:
            writer.write(record)


def versions() -> dict[str, str]:
    """Versions of what must be the same on every worker; the product's is a hash of its code."""
    found = {"Python": ".".join(platform.python_version_tuple()[:2])}
    for name, package in (("Beam", "apache-beam"), ("TensorFlow", "tensorflow")):
        try:
            found[name] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[name] = "missing"
    return found | {"Petseg's code": source_hash(*NODES)[:12]}


def first_sha256(file: str) -> str:
    """Returns the hex digest of a file's first bytes."""
    with open(file, "rb") as content:
        return hashlib.sha256(content.read(SAMPLE_BYTES)).hexdigest()
