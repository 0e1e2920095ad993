"""Work on threads keeps its order and does not run far ahead."""

import threading

import pytest

from components.example_gen.threads import MOST_THREADS, map_on_threads


def test_results_are_in_the_order_of_the_items():
    first_may_end = threading.Event()

    def work(number: int) -> int:
        # The first result is the last to be ready.
        if number == 0:
            assert first_may_end.wait(30)
        else:
            first_may_end.set()
        return number**2

    assert list(map_on_threads(work, range(50), threads=2)) == [number**2 for number in range(50)]


def test_only_a_few_results_wait_to_be_taken():
    begun: list[int] = []
    results = map_on_threads(begun.append, range(1000))
    next(results)
    assert len(begun) <= 2 * MOST_THREADS + 2


def test_an_error_reaches_the_caller():
    with pytest.raises(ZeroDivisionError):
        list(map_on_threads(lambda number: 1 // number, [2, 1, 0, 1]))
