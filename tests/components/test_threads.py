"""Work on threads: every element is done when the bundle ends, few wait, and an error ends it."""

import threading
import time

import apache_beam as beam
import pytest

from components.example_gen.threads import THREADS, OnThreads
from tests.components.tiny_pairs import BEAM_ARGS


def run(function, elements) -> None:
    with beam.Pipeline(argv=BEAM_ARGS) as pipeline:
        _ = pipeline | beam.Create(list(elements)) | beam.Reshuffle() | beam.ParDo(OnThreads(function))


def test_every_element_is_done_when_the_bundle_ends(tmp_path):
    def work(number: int) -> None:
        time.sleep(0.05 if number == 0 else 0)
        (tmp_path / str(number)).touch()

    run(work, range(50))
    assert {int(file.name) for file in tmp_path.iterdir()} == set(range(50))


def test_elements_run_at_once_and_few_wait():
    may_end, begun = threading.Event(), []

    def work(number: int) -> None:
        begun.append(number)
        assert may_end.wait(30)

    bundle = OnThreads(work)
    bundle.start_bundle()
    for number in range(2 * THREADS):
        bundle.process(number)
    blocked = threading.Thread(target=bundle.process, args=(2 * THREADS,))
    blocked.start()
    blocked.join(0.2)
    assert blocked.is_alive()
    assert len(begun) == THREADS
    may_end.set()
    blocked.join(30)
    bundle.finish_bundle()
    assert sorted(begun) == list(range(2 * THREADS + 1))


def test_an_error_ends_the_run():
    with pytest.raises(ZeroDivisionError):
        run(lambda number: 1 // number, [2, 1, 0, 1])
