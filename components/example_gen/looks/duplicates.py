"""Photos that a data set has more than once, byte for byte or nearly."""

from collections.abc import Sequence
from itertools import combinations

import numpy as np

from components.example_gen.looks.dataset import OpenedPair
from components.example_gen.near_duplicates import BITS_SET, MAX_DIFFERENT_BITS


def same_photos(pairs: Sequence[OpenedPair]) -> list[list[OpenedPair]]:
    """Groups of pairs whose photos are the same file, sorted by name."""
    groups: dict[str, list[OpenedPair]] = {}
    for pair in pairs:
        if pair.photo:
            groups.setdefault(pair.photo.sha256, []).append(pair)
    return [group for group in groups.values() if len(group) > 1]


def similar_photos(pairs: Sequence[OpenedPair]) -> list[tuple[OpenedPair, OpenedPair]]:
    """Pairs of photos that look the same and are different files."""
    seen = [pair for pair in pairs if pair.photo]
    if len(seen) < 2:
        return []
    words = np.frombuffer(b"".join(bytes.fromhex(pair.photo.hash) for pair in seen if pair.photo), np.uint16)
    words = words.reshape(len(seen), -1)
    found = []
    for index in range(len(seen) - 1):
        distances = BITS_SET[words[index + 1 :] ^ words[index]].sum(axis=1, dtype=np.int32)
        for other in np.flatnonzero(distances <= MAX_DIFFERENT_BITS):
            found.append((seen[index], seen[index + 1 + int(other)]))
    return [
        (one, two) for one, two in found if one.photo and two.photo and one.photo.sha256 != two.photo.sha256
    ]


def with_different_masks(groups: Sequence[Sequence[OpenedPair]]) -> list[Sequence[OpenedPair]]:
    """Groups of the same photo whose masks are not all the same."""
    return [
        group
        for group in groups
        if any(
            one.mask and two.mask and one.mask.digest != two.mask.digest
            for one, two in combinations(group, 2)
        )
    ]
