"""A DiskIndex finds what a dictionary of lists finds, and keeps nothing in memory."""

import tracemalloc
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from components.example_gen.listing import list_pairs
from components.example_gen.settings import DataSettings
from components.example_gen.storage import spool
from components.example_gen.storage.disk_index import DiskIndex

# File names may have characters that are no text.
Text = st.text(st.characters(exclude_categories=()), max_size=4)


@given(rows=st.lists(st.tuples(Text, Text)), other=Text, count=st.integers(0, 5))
@settings(deadline=None)
def test_it_finds_what_a_dictionary_of_lists_finds(rows, other, count):
    expected: dict[str, list[str]] = {}
    for key, value in rows:
        expected.setdefault(key, []).append(value)
    index = DiskIndex(rows)
    assert list(index.items()) == sorted(expected.items())
    assert len(index) == len(expected)
    for key in {other, *expected}:
        assert index[key] == expected.get(key, [])
        assert (key in index) == (key in expected)
    following = [(key, value) for key in sorted(expected) for value in expected[key] if key >= other]
    assert index.from_key(other, count) == following[:count]


def peak(folder: Path, pairs: int) -> int:
    """Bytes of memory at most while so many pairs are listed."""
    for kind, ending in (("images", "jpg"), ("masks", "png")):
        (folder / kind).mkdir(parents=True)
        for number in range(pairs):
            (folder / kind / f"{number:07d}.{ending}").touch()
    data = DataSettings.model_validate({"path": str(folder), "classes": ["outside", "inside"]})
    tracemalloc.start()
    try:
        assert len(list_pairs(data, scratch="").pairs) == pairs
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_listed_pair_takes_few_bytes(tmp_path, monkeypatch):
    monkeypatch.setattr(spool, "MOST_IN_MEMORY", 2**12)
    few, many = 1_000, 5_000
    peak(tmp_path / "first", 10)
    added = peak(tmp_path / "many", many) - peak(tmp_path / "few", few)
    assert added / (many - few) < 40
