"""Finds photos that look the same by a hash of their brightness gradients."""

from array import array
from collections.abc import Iterator
from itertools import combinations, pairwise

import numpy as np
from PIL import Image

from components.example_gen.pairs import SPLITS, CheckedPair
from components.example_gen.storage.spool import Spool

GRID = 8
MAX_DIFFERENT_BITS = 10
"""Of 128 bits. On the Oxford-IIIT Pet photos this finds all 74 known pairs and 3 others."""

CANDIDATES = 2**16
"""Pairs of hashes that are compared at once."""

BITS_SET = np.unpackbits(np.arange(2**16, dtype=np.uint16)[:, None].view(np.uint8), axis=1).sum(
    1, dtype=np.uint8
)


def difference_hash(brightness: np.ndarray) -> str:
    """Computes the photo's dHash: where it gets brighter to the right and downwards, on an 8 x 8 grid.

    Args:
        brightness: uint8 [height, width].

    Returns:
        128 bits as hex. Scaling and recompression hardly change them.
    """
    boxes = np.asarray(Image.fromarray(brightness).resize((GRID + 1, GRID + 1), Image.Resampling.BOX))
    gradients = np.empty((2, GRID, GRID), bool)
    np.greater(boxes[:GRID, 1:], boxes[:GRID, :GRID], out=gradients[0])
    np.greater(boxes[1:, :GRID], boxes[:GRID, :GRID], out=gradients[1])
    return np.packbits(gradients).tobytes().hex()


def across_splits(pairs: Spool[CheckedPair]) -> list[dict[str, str]]:
    """Finds near-identical photos in different splits.

    Returns:
        Dicts with `a`, `split_a`, `b`, `split_b`, sorted by `a`, then `b`.
    """
    hashes = {split: bytearray() for split in SPLITS}
    indexes = {split: array("q") for split in SPLITS}
    for index, pair in enumerate(pairs):
        hashes[pair.source.split] += bytes.fromhex(pair.difference_hash)
        indexes[pair.source.split].append(index)
    found = []
    for one, other in combinations(SPLITS, 2):
        for row, column in _near(_words(hashes[one]), _words(hashes[other])):
            sources = (pairs[indexes[one][row]].source, pairs[indexes[other][column]].source)
            found.append(sorted(sources, key=lambda source: source.name))
    return sorted(
        ({"a": a.name, "split_a": a.split, "b": b.name, "split_b": b.split} for a, b in found),
        key=lambda duplicate: (duplicate["a"], duplicate["b"]),
    )


def _near(some: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Finds the hashes of two arrays that differ in few bits.

    Hashes that differ in 10 bits are equal in one of 11 bands of bits, so only those with an equal band are
    compared (multi-index hashing: Norouzi, Punjani and Fleet, CVPR 2012).

    Args:
        some: uint16 [n, 8].
        others: uint16 [m, 8].

    Returns:
        int64 [found, 2], indexes into both, sorted.
    """
    found = [np.empty((0, 2), np.int64)]
    for keys, other_keys in zip(_bands(some), _bands(others), strict=True):
        order = np.argsort(other_keys, kind="stable")
        begin, end = (np.searchsorted(other_keys[order], keys, side) for side in ("left", "right"))
        for rows in _chunks(end - begin):
            counts = (end - begin)[rows]
            row = np.repeat(np.arange(rows.start, rows.start + len(counts)), counts)
            # The candidates of a row are neighbors in the order: 0, 1, ... from its begin.
            step = np.arange(len(row)) - np.repeat(counts.cumsum() - counts, counts)
            column = order[np.repeat(begin[rows], counts) + step]
            distances = BITS_SET[some[row] ^ others[column]].sum(axis=1, dtype=np.int32)
            is_near = distances <= MAX_DIFFERENT_BITS
            found.append(np.stack([row[is_near], column[is_near]], axis=1))
    return np.unique(np.concatenate(found), axis=0)


def _bands(hashes: np.ndarray) -> Iterator[np.ndarray]:
    """Bands of all hashes' bits as numbers, one more band than bits that may differ."""
    for band in np.array_split(range(2 * GRID * GRID), MAX_DIFFERENT_BITS + 1):
        numbers = np.zeros(len(hashes), np.uint16)
        for bit in band.tolist():
            numbers = numbers << 1 | hashes.view(np.uint8)[:, bit // 8] >> (7 - bit % 8) & 1
        yield numbers


def _chunks(counts: np.ndarray) -> Iterator[slice]:
    """Slices of the rows with not many more than CANDIDATES together."""
    chunk = (counts.cumsum() - counts) // CANDIDATES
    edges = [*np.flatnonzero(np.diff(chunk, prepend=-1)), len(counts)]
    yield from (slice(start, stop) for start, stop in pairwise(edges))


def _words(hashes: bytearray) -> np.ndarray:
    """Hashes as uint16 [pairs, 8]."""
    return np.frombuffer(hashes, np.uint16).reshape(-1, 2 * GRID * GRID // 16)
