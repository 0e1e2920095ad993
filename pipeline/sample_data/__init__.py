"""Draws data sets: cats and dogs in the official layout, cracked surfaces, and shapes with a class table."""

from collections.abc import Callable
from pathlib import Path

from pipeline.sample_data.cracks.sample import write_cracks
from pipeline.sample_data.folder_sample import write_folder_sample
from pipeline.sample_data.pets.sample import write_pets
from pipeline.sample_data.whole_folder import MINIMUM_PAIRS, SampleError, check_request, whole_folder

__all__ = ["KINDS", "MINIMUM_PAIRS", "SampleError", "write_folder_sample", "write_sample"]

KINDS: dict[str, Callable[[Path, int, int], None]] = {"pets": write_pets, "cracks": write_cracks}
"""What can be drawn: a function that writes a number of pairs with a seed into an empty folder."""


def write_sample(output: Path, pairs: int, seed: int = 0, kind: str = "pets") -> None:
    """Draws a data set.

    The same kind, number of pairs, and seed give the same bytes, and a larger sample begins with the pairs of
    a smaller one. The folder appears whole or not at all.

    Args:
        output: Folder to create. If it already holds the same sample, nothing is done.
        pairs: Number of photos, 8 or more.
        seed: An integer, 0 or more.
        kind: `pets` or `cracks`.

    Raises:
        SampleError: Too few pairs, a negative seed, or `output` has other content.
    """
    check_request(pairs, seed)
    with whole_folder(output, {"kind": kind, "pairs": pairs, "seed": seed}) as folder:
        if folder is not None:
            KINDS[kind](folder, pairs, seed)
