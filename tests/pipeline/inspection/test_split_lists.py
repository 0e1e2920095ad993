"""Lists of splits that are balanced by class and size."""

import random
from collections import Counter

from pipeline.inspection.split_lists import SHARES, stratify

PARTS = list(SHARES.values())


def test_each_label_is_divided_alike():
    labels = [
        frozenset(
            {f"class {number}" for number in range(4) if index % (number + 2) == 0} | {f"size {index % 3}"}
        )
        for index in range(600)
    ]
    random.Random(1).shuffle(labels)
    parts = stratify(labels, PARTS)
    for label in frozenset().union(*labels):
        of_label = Counter(part for part, own in zip(parts, labels, strict=True) if label in own)
        for part, share in enumerate(PARTS):
            assert abs(of_label[part] - share * of_label.total()) <= 3, label


def test_training_gets_the_only_example_of_a_label_and_no_part_is_empty():
    parts = stratify([frozenset({"common"})] * 9 + [frozenset({"common", "rare"})], PARTS)
    assert parts[-1] == 0
    assert set(parts) == {0, 1, 2}


def test_three_examples_are_in_three_parts():
    assert sorted(stratify([frozenset({"a"})] * 3, PARTS)) == [0, 1, 2]
