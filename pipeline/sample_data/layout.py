"""Folders that appear whole or not at all, and the official names, numbers and lists."""

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path

from petseg.errors import UserError
from pipeline.sample_data.breeds import BREEDS, Breed, breed_id, class_id, in_turn

MARKER = ".sample.json"
# Raise when the drawings change, so that an older sample is not taken for the same.
VERSION = 1
# The first four pairs fill train, eval and test; this many leave more than one in train and test.
MINIMUM_PAIRS = 8
LIST_HEADER = (
    "#Image CLASS-ID SPECIES BREED ID\n"
    "#ID: 1:37 Class ids\n"
    "#SPECIES: 1:Cat 2:Dog\n"
    "#BREED ID: 1-25:Cat 1:12:Dog\n"
    "#All images with 1st letter as captial are cat images\n"
    "#images with small first letter are dog images\n"
)


class SampleError(UserError, ValueError):
    """A sample cannot be written as asked: too few pairs, or a folder that holds something else."""


@dataclass(frozen=True)
class Entry:
    """One pair of the sample.

    Attributes:
        breed: Its breed.
        number: Running number in the file name.
        split: `train`, `eval` or `test`.
    """

    breed: Breed
    number: int
    split: str

    @property
    def name(self) -> str:
        """File name without ending."""
        return f"{self.breed.name}_{self.number}"

    @property
    def line(self) -> str:
        """Line of the official lists: name, class, species, breed."""
        species = 1 if self.breed.species == "cat" else 2
        return f"{self.name} {class_id(self.breed)} {species} {breed_id(self.breed)}\n"


def percentile(name: str) -> int:
    """The number from 0 to 99 by which a name's split is chosen."""
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) % 100


def is_eval(name: str) -> bool:
    """Whether a name of the trainval list is `eval` at the default of 15 percent."""
    return percentile(name) < 15


def default_split(name: str) -> str:
    """The split of a name where the data has no lists."""
    place = percentile(name)
    return "eval" if place < 15 else "test" if place < 30 else "train"


def check_request(pairs: int, seed: int) -> None:
    """Raises SampleError unless a sample of `pairs` drawn from `seed` can have all splits."""
    if pairs < MINIMUM_PAIRS:
        raise SampleError(
            f"pairs must be {MINIMUM_PAIRS} or more, so that no split is empty; received {pairs}"
        )
    if seed < 0:
        raise SampleError(f"seed must be 0 or more; received {seed}")


def entries(pairs: int) -> list[Entry]:
    """Names and splits of a sample; the first n of a larger sample are those of a sample of n.

    The split follows from the name, so the names are chosen for it: numbers are left out (as in the
    official set) until the name falls where it should. So every split has its share in the smallest sample.
    """
    order = in_turn()
    used = {breed.name: count(1) for breed in BREEDS}
    chosen: list[Entry] = []
    for index in range(pairs):
        breed = order[index % len(order)]
        # 37 is odd, so a breed comes to both lists in turn. One in seven of trainval is eval.
        split = "test" if index % 2 else "eval" if index % 14 == 2 else "train"
        number = next(
            number
            for number in used[breed.name]
            if split == "test" or is_eval(f"{breed.name}_{number}") == (split == "eval")
        )
        chosen.append(Entry(breed, number, split))
    return chosen


def write_lists(folder: Path, chosen: list[Entry]) -> None:
    """Writes `list.txt`, `trainval.txt` and `test.txt` into `folder` (official: `annotations`)."""
    ordered = sorted(chosen, key=lambda entry: (class_id(entry.breed), entry.number))
    for name, header, splits in (
        ("list.txt", LIST_HEADER, ("train", "eval", "test")),
        ("trainval.txt", "", ("train", "eval")),
        ("test.txt", "", ("test",)),
    ):
        lines = [entry.line for entry in ordered if entry.split in splits]
        (folder / name).write_text(header + "".join(lines), encoding="ascii")


@contextmanager
def whole_folder(output: Path, marker: dict[str, object]) -> Iterator[Path | None]:
    """Gives a temporary folder beside `output` and puts it there once the body is done.

    Args:
        output: Folder to make; missing, empty, or one that holds the very same sample.
        marker: What the sample was made from; written into it, and compared with what is there.

    Yields:
        The folder to write into, or None where `output` already holds this sample.

    Raises:
        SampleError: `output` is a file or holds something else.
    """
    marker = {"version": VERSION, **marker}
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        if _read_marker(output) == marker:
            yield None
            return
        raise SampleError(
            f"{output} must be missing or empty for a sample to be written; it holds something else"
        )
    output.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{output.name}-", dir=output.parent))
    try:
        yield building
        (building / MARKER).write_text(json.dumps(marker, sort_keys=True) + "\n", encoding="ascii")
        # mkdtemp makes a private folder; a sample may be read by whoever may read its parent.
        building.chmod(0o777 & ~_umask())
        os.replace(building, output)
    finally:
        shutil.rmtree(building, ignore_errors=True)


def _read_marker(output: Path) -> object:
    try:
        return json.loads((output / MARKER).read_text(encoding="ascii"))
    except (OSError, ValueError):
        return None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
