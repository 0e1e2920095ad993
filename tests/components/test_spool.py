"""A Spool is the sequence that was put into it, however its items are stored."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.example_gen.storage import spool
from components.example_gen.storage.spool import Spool

Items = st.lists(st.one_of(st.text(), st.tuples(st.integers(), st.binary())))


@given(items=Items, block=st.integers(1, 5))
def test_it_has_the_items_in_order(items, block):
    stored = Spool(items, block)
    assert len(stored) == len(items)
    assert list(stored) == items
    assert [stored[index] for index in range(len(items))] == items
    assert [stored[-index] for index in range(1, len(items) + 1)] == items[::-1]
    assert stored[1:7:2] == items[1:7:2]


def test_it_can_grow_while_it_is_read():
    stored = Spool(range(10), block=3)
    assert stored[9] == 9
    assert list(stored) == list(range(10))
    for number in range(10, 20):
        stored.append(number)
        assert stored[number] == number
    assert list(stored) == list(range(20))


def test_two_passes_at_once_do_not_disturb_each_other():
    stored = Spool(range(100), block=7)
    assert list(zip(stored, stored, strict=True)) == list(zip(range(100), range(100), strict=True))


def test_more_than_fits_in_memory_goes_to_a_file(monkeypatch):
    monkeypatch.setattr(spool, "MOST_IN_MEMORY", 1000)
    items = [str(number) * 50 for number in range(200)]
    assert list(Spool(items)) == items


def test_an_index_outside_is_an_error():
    with pytest.raises(IndexError):
        Spool(range(3))[3]
