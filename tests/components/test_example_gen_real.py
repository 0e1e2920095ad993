"""ExampleGen on the real data set: the official splits, nothing lost, its known duplicates found."""

import csv
import os
import resource
from pathlib import Path

import pytest

from tests.components.tiny_pairs import Written, pets_data, run_example_gen

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif("PETSEG_DATA" not in os.environ, reason="PETSEG_DATA names no data set"),
]


@pytest.fixture(scope="module")
def folder() -> Path:
    return Path(os.environ["PETSEG_DATA"])


@pytest.fixture(scope="module")
def written(folder, tmp_path_factory) -> Written:
    return run_example_gen(tmp_path_factory.mktemp("real"), pets_data(folder))


def official(folder: Path, file: str) -> set[str]:
    return {line.split()[0] for line in (folder / "annotations" / file).read_text().splitlines()}


def test_splits_are_the_official_ones(written, folder):
    train, evaluation, test = (set(written.names(split)) for split in ("train", "eval", "test"))
    assert test == official(folder, "test.txt")
    assert len(test) == 3669
    assert train | evaluation == official(folder, "trainval.txt")
    assert len(train) + len(evaluation) == 3680
    assert not train & evaluation
    assert 0.13 < len(evaluation) / 3680 < 0.17
    assert len(written.report["in_no_list"]) == 41
    assert len(written.report["single_class"]) == 14


def test_known_near_duplicates_across_the_official_split_are_reported(written, folder):
    known_file = folder / "near_duplicates.csv"
    if not known_file.exists():
        pytest.skip("the data set comes without a list of its near duplicates")
    with known_file.open() as rows:
        known = {
            frozenset((row["a"], row["b"]))
            for row in csv.DictReader(rows)
            if {row["split_a"], row["split_b"]} == {"trainval", "test"}
        }
    found = {
        frozenset((pair["a"], pair["b"]))
        for pair in written.report["near_duplicates"]
        if "test" in (pair["split_a"], pair["split_b"])
    }
    assert len(known) == 22
    assert known <= found
    assert len(found - known) <= 1


def test_memory_stays_bounded(written):
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    assert peak < 4, f"{peak:.1f} GB"
