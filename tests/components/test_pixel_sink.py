"""Transform's records are written in order, and an error of the thread that writes them is raised."""

import os

import apache_beam as beam
import pytest
import tensorflow as tf

from components.transform.pixel_sink import MOST_WAITING, PixelSink
from tests.components.tiny_pairs import BEAM_ARGS

RECORDS = [bytes([number % 256]) * 1000 for number in range(5 * MOST_WAITING)]


def test_records_are_written_in_order(tmp_path):
    sink = PixelSink(str(tmp_path / "records"))
    handle = sink.open(str(tmp_path / "records.gz"))
    for record in RECORDS:
        sink.write_encoded_record(handle, record)
    sink.close(handle)
    read = tf.data.TFRecordDataset(str(tmp_path / "records.gz"), "GZIP").as_numpy_iterator()
    assert list(read) == RECORDS


def test_beam_writes_every_record(tmp_path):
    with beam.Pipeline(argv=BEAM_ARGS) as pipeline:
        _ = pipeline | beam.Create(RECORDS) | beam.io.Write(PixelSink(str(tmp_path / "records")))
    files = sorted(map(str, tmp_path.iterdir()))
    assert files[0].endswith(".gz")
    assert sorted(tf.data.TFRecordDataset(files, "GZIP").as_numpy_iterator()) == sorted(RECORDS)


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="the system has no device that is full")
def test_a_full_disk_is_an_error():
    sink = PixelSink("/dev/full")
    handle = sink.open("/dev/full")

    def fill() -> None:
        for _ in range(2_000):
            sink.write_encoded_record(handle, os.urandom(1000))
        sink.close(handle)

    with pytest.raises(tf.errors.OpError):
        fill()
