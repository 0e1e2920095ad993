"""Near-identical photos across splits: all of them, found without comparing each with each."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.example_gen import near_duplicates
from components.example_gen.near_duplicates import MAX_DIFFERENT_BITS, across_splits
from components.example_gen.pairs import CheckedPair, PairSource
from components.example_gen.sources import File
from components.example_gen.storage.spool import Spool

Hash = st.binary(min_size=16, max_size=16)


def checked(hashes: dict[str, list[bytes]]) -> Spool[CheckedPair]:
    pairs = Spool[CheckedPair]()
    for split, members in hashes.items():
        for number, content in enumerate(members):
            name = f"{split}{number}"
            source = PairSource(name, File("", name), File("", name), split=split)
            pairs.append(CheckedPair(source, difference_hash=content.hex()))
    return pairs


def distance(one: bytes, other: bytes) -> int:
    return (int.from_bytes(one, "big") ^ int.from_bytes(other, "big")).bit_count()


def expected(hashes: dict[str, list[bytes]]) -> set[tuple[str, str]]:
    """By comparing each with each."""
    named = [
        (split, f"{split}{n}", each) for split, members in hashes.items() for n, each in enumerate(members)
    ]
    return {
        (a, b)
        for split_a, a, hash_a in named
        for split_b, b, hash_b in named
        if a < b and split_a != split_b and distance(hash_a, hash_b) <= MAX_DIFFERENT_BITS
    }


@given(
    base=Hash,
    flips=st.lists(
        st.tuples(st.sampled_from(["train", "eval", "test"]), st.sets(st.integers(0, 127), max_size=14))
    ),
    others=st.lists(st.tuples(st.sampled_from(["train", "eval", "test"]), Hash), max_size=5),
)
def test_as_by_comparing_each_with_each(base, flips, others):
    hashes: dict[str, list[bytes]] = {"train": [], "eval": [], "test": []}
    for split, bits in flips:
        number = int.from_bytes(base, "big") ^ sum(1 << bit for bit in bits)
        hashes[split].append(number.to_bytes(16, "big"))
    for split, content in others:
        hashes[split].append(content)
    found = [(each["a"], each["b"]) for each in across_splits(checked(hashes))]
    assert set(found) == expected(hashes)
    assert found == sorted(set(found))


@pytest.mark.parametrize("candidates", [1, 7, 1000])
def test_chunks_do_not_change_what_is_found(monkeypatch, candidates):
    random = np.random.default_rng(3)
    flat = [bytes(16)] * 20 + [random.bytes(16) for _ in range(20)]
    hashes = {"train": flat, "eval": flat[::3], "test": [random.bytes(16) for _ in range(5)]}
    monkeypatch.setattr(near_duplicates, "CANDIDATES", candidates)
    found = {(each["a"], each["b"]) for each in across_splits(checked(hashes))}
    assert found == expected(hashes)
