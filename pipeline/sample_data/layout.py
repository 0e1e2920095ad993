"""Names, splits and lists of the official layout, and folders that appear whole or not at all."""

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
# Increase it when the drawings change, so that an older sample does not count as the same.
VERSION = 1
# The first four pairs cover train, eval and test; with 8, train and test have more than one.
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
    """A sample cannot be written: too few pairs, or a folder with other content."""


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
    """The number from 0 to 99 that decides a name's split."""
    return int(hashlib.sha256(name.encode()).hexdigest()[:8], 16) % 100


def is_eval(name: str) -> bool:
    """Whether a name of the trainval list is `eval` at the default of 15 percent."""
    return percentile(name) < 15


def default_split(name: str) -> str:
    """The split of a name in data without lists."""
    percent = percentile(name)
    return "eval" if percent < 15 else "test" if percent < 30 else "train"


def check_request(pairs: int, seed: int) -> None:
    """Raises SampleError if `pairs` is too small for all splits, or `seed` is negative."""
    if pairs < MINIMUM_PAIRS:
        raise SampleError(
            f"pairs must be {MINIMUM_PAIRS} or more, so that no split is empty; received {pairs}"
        )
    if seed < 0:
        raise SampleError(f"seed must be 0 or more; received {seed}")


def entries(pairs: int) -> list[Entry]:
    """Names and splits of a sample; a larger sample begins with the entries of a smaller one.

    The name decides the split, so names are chosen for their split: numbers are skipped, as the official set
    does too, until the name is in the right split. So even the smallest sample has every split.
    """
    order = in_turn()
    used = {breed.name: count(1) for breed in BREEDS}
    chosen: list[Entry] = []
    for index in range(pairs):
        breed = order[index % len(order)]
        # 37 is odd, so each breed gets into both lists in turn. One in seven of trainval is eval.
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
    """Yields a temporary folder beside `output`, which is renamed to `output` after the body.

    Args:
        output: Folder to create; missing, empty, or with the same sample.
        marker: The sample's arguments, written into it and compared with those of an existing one.

    Yields:
        The folder to write into, or None if `output` already holds this sample.

    Raises:
        SampleError: `output` is a file or has other content.
    """
    marker = {"version": VERSION, **marker}
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        if _read_marker(output) == marker:
            yield None
            return
        raise SampleError(
            f"{output} must be missing or empty for a sample to be written; it has other content"
        )
    output.parent.mkdir(parents=True, exist_ok=True)
    building = Path(tempfile.mkdtemp(prefix=f".{output.name}-", dir=output.parent))
    try:
        yield building
        (building / MARKER).write_text(json.dumps(marker, sort_keys=True) + "\n", encoding="ascii")
        # mkdtemp creates a private folder; a sample gets the usual permissions.
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
