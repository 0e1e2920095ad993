"""Names, splits and lists of the official layout of the pets."""

from dataclasses import dataclass
from itertools import count
from pathlib import Path

from pipeline.sample_data.pets.breeds import BREEDS, Breed, breed_id, class_id, in_turn
from pipeline.sample_data.splits import percentile

LIST_HEADER = (
    "#Image CLASS-ID SPECIES BREED ID\n"
    "#ID: 1:37 Class ids\n"
    "#SPECIES: 1:Cat 2:Dog\n"
    "#BREED ID: 1-25:Cat 1:12:Dog\n"
    "#All images with 1st letter as captial are cat images\n"
    "#images with small first letter are dog images\n"
)


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


def is_eval(name: str) -> bool:
    """Whether a name of the trainval list is `eval` at the default of 15 percent."""
    return percentile(name) < 15


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
