"""Writes the lists train.txt, eval.txt and test.txt, balanced by class and size."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from components.example_gen.looks.dataset import OpenedPair
from components.example_gen.looks.findings import broken_files
from components.example_gen.looks.survey import Survey
from components.example_gen.pairs import split_number
from petseg.errors import UserError
from petseg.files.atomic import write_atomic

FOLDER = "splits"
SHARES = {"train": 0.70, "eval": 0.15, "test": 0.15}
FEWEST_PAIRS = 3
LARGE_SHARE = 0.2
"""Part of a mask from which a class counts as large in it."""


def write_split_lists(survey: Survey) -> str:
    """Divides the pairs and writes the lists below the data set's folder.

    Args:
        survey: With all pairs opened.

    Returns:
        What was written, in one line.

    Raises:
        UserError: The data has lists, its format has none, or there are too few pairs.
    """
    if survey.settings["format"] != "folder":
        raise UserError(
            "--write-splits: only data.format folder reads such lists; call init without it: data.format"
            f" {survey.settings['format']} is split by its own lists or folders, else by names"
        )
    if survey.tree.has_folder(FOLDER):
        raise UserError(
            f"--write-splits: {survey.path}/{FOLDER} exists, and its lists rule; delete them to have new ones"
        )
    broken = {file for file, _ in broken_files(survey)}
    pairs = [
        pair
        for pair in survey.opened.good
        if pair.source.photo_path not in broken and pair.source.mask_path not in broken
    ]
    groups = _groups(pairs)
    if len(groups) < FEWEST_PAIRS:
        raise UserError(f"--write-splits: {len(groups)} different photos cannot be in three splits")
    areas = sorted(pair.photo.width * pair.photo.height for pair in pairs if pair.photo)
    chosen = stratify([_labels(group[0], areas) for group in groups], list(SHARES.values()))
    counts = {}
    for index, split in enumerate(SHARES):
        names = sorted(
            pair.source.name
            for group, its in zip(groups, chosen, strict=True)
            if its == index
            for pair in group
        )
        write_atomic(f"{survey.path}/{FOLDER}/{split}.txt", "".join(f"{name}\n" for name in names))
        counts[split] = len(names)
    listed = ", ".join(f"{count:,} {split}" for split, count in counts.items())
    return f"wrote    {survey.path}/{FOLDER}: {listed}"


def stratify(labels: Sequence[frozenset[str]], shares: Sequence[float]) -> list[int]:
    """Divides examples so that each label is divided alike, the rarest first.

    Iterative stratification: Sechidis, Tsoumakas and Vlahavas, "On the Stratification of Multi-Label Data",
    ECML PKDD 2011. Ties go to the part that lacks most examples, then to the first. No part is left empty.

    Args:
        labels: Labels of each example. The order breaks ties, and so should be random.
        shares: Share of each part, of at least as many examples as there are parts.

    Returns:
        Index of the part of each example.
    """
    wanted = np.array(shares) * len(labels)
    wanted_of = {
        label: np.array(shares) * count
        for label, count in Counter(label for of in labels for label in of).items()
    }
    parts: dict[int, int] = {}

    def put(example: int, label: str | None) -> None:
        by_label = wanted_of[label] if label else np.zeros(len(shares))
        part = max(range(len(shares)), key=lambda part: (by_label[part], wanted[part], -part))
        parts[example] = part
        wanted[part] -= 1
        for own in labels[example]:
            wanted_of[own][part] -= 1

    while len(parts) < len(labels):
        rest = [example for example in range(len(labels)) if example not in parts]
        counts = Counter(label for example in rest for label in labels[example])
        if not counts:
            for example in rest:
                put(example, None)
            break
        rarest = min(counts, key=lambda label: (counts[label], label))
        for example in rest:
            if rarest in labels[example]:
                put(example, rarest)
    for empty in set(range(len(shares))) - set(parts.values()):
        largest = Counter(parts.values()).most_common(1)[0][0]
        parts[max(example for example, part in parts.items() if part == largest)] = empty
    return [parts[example] for example in range(len(labels))]


def _groups(pairs: Sequence[OpenedPair]) -> list[list[OpenedPair]]:
    """Pairs with the same photo together, in an order that depends on their names only."""
    groups: dict[str, list[OpenedPair]] = {}
    for pair in pairs:
        if pair.photo:
            groups.setdefault(pair.photo.sha256, []).append(pair)
    return sorted(
        groups.values(), key=lambda group: (split_number(group[0].source.name), group[0].source.name)
    )


def _labels(pair: OpenedPair, areas: Sequence[int]) -> frozenset[str]:
    """The classes of a pair, each as a small or large part of the mask, and which third its photo is of."""
    found: set[str] = set()
    if pair.photo and pair.mask:
        area = pair.photo.width * pair.photo.height
        found.add(f"size {sum(area > areas[third * len(areas) // 3] for third in (1, 2))}")
        for value, pixels in pair.mask.values.items():
            share = pixels / (pair.mask.width * pair.mask.height)
            found.add(f"class {value} {'large' if share >= LARGE_SHARE else 'small'}")
    return frozenset(found)
