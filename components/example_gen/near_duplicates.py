"""Finds photos that look the same by a hash of their brightness gradients."""

from itertools import combinations

import numpy as np
from PIL import Image

from components.example_gen.pairs import SPLITS, CheckedPair

GRID = 8
MAX_DIFFERENT_BITS = 10
"""Of 128 bits. On the Oxford-IIIT Pet photos this finds all 74 known pairs and 3 others."""

BITS_SET = np.unpackbits(np.arange(2**16, dtype=np.uint16)[:, None].view(np.uint8), axis=1).sum(
    1, dtype=np.uint8
)


def difference_hash(pixels: np.ndarray) -> str:
    """Computes the photo's dHash: where it gets brighter to the right and downwards, on an 8 x 8 grid.

    Args:
        pixels: uint8 [height, width, 3].

    Returns:
        128 bits as hex. Scaling and recompression hardly change them.
    """
    gray = Image.fromarray(pixels).convert("L").resize((GRID + 1, GRID + 1), Image.Resampling.BOX)
    brightness = np.asarray(gray).astype(int)
    gradients = (np.diff(brightness[:GRID], axis=1) > 0, np.diff(brightness[:, :GRID], axis=0) > 0)
    return np.packbits(np.stack(gradients)).tobytes().hex()


def across_splits(pairs: list[CheckedPair]) -> list[dict[str, str]]:
    """Finds near-identical photos in different splits.

    Returns:
        Dicts with `a`, `split_a`, `b`, `split_b`, sorted by `a`, then `b`.
    """
    by_split = {split: [pair for pair in pairs if pair.source.split == split] for split in SPLITS}
    found = []
    for one, other in combinations(SPLITS, 2):
        hashes = _words(by_split[other])
        for pair, words in zip(by_split[one], _words(by_split[one]), strict=True):
            distances = BITS_SET[hashes ^ words].sum(axis=1, dtype=np.int32)
            for index in np.flatnonzero(distances <= MAX_DIFFERENT_BITS):
                found.append(
                    sorted((pair.source, by_split[other][index].source), key=lambda source: source.name)
                )
    return sorted(
        ({"a": a.name, "split_a": a.split, "b": b.name, "split_b": b.split} for a, b in found),
        key=lambda duplicate: (duplicate["a"], duplicate["b"]),
    )


def _words(pairs: list[CheckedPair]) -> np.ndarray:
    """Hashes as uint16 [pairs, 8]."""
    content = b"".join(bytes.fromhex(pair.difference_hash) for pair in pairs)
    return np.frombuffer(content, np.uint16).reshape(len(pairs), -1) if pairs else np.empty((0, 8), np.uint16)
