"""Photos and masks of your own in two folders.

    images/<name>.jpg, or any other ending of a photo
    masks/<name>.png
    splits/train.txt, splits/test.txt, splits/eval.txt   optional: one name without ending a line

Without `splits`, names are split by their hash. Without `splits/eval.txt`, the train list is divided.
"""

from collections.abc import Iterable, Iterator

from components.example_gen.pairs import BY_NAME, TRAINVAL, Found, LeftOut, Note, PairSource
from components.example_gen.readers.files import Folder, data_folder, names_in, read_list, require_folder
from components.example_gen.settings import DataSettings
from components.example_gen.sources import File
from petseg.files.image_file import PHOTO_ENDINGS

PHOTOS = "images"
MASKS = "masks"
LISTS = "splits"


def watched(data: DataSettings) -> tuple[str, ...]:
    """See Reader."""
    return PHOTOS, MASKS, LISTS


def read_pairs(data: DataSettings, scratch: str) -> Iterator[Found]:
    """Yields every name of the lists, or every photo and mask where there are no lists; see Reader."""
    folder = data_folder(data)
    require_folder(folder / PHOTOS, "the photos")
    require_folder(folder / MASKS, "the masks")
    photos = names_in(folder / PHOTOS, PHOTO_ENDINGS)
    masks = names_in(folder / MASKS, (".png",))
    named = list(_listed(folder)) if (folder / LISTS).is_dir() else _unlisted(photos.keys() | masks.keys())
    for name, found_in, split in named:
        photo, *others = photos.get(name, [f"{name}.jpg"])
        mask = masks.get(name, [f"{name}.png"])[0]
        if others:
            yield Note(f"{PHOTOS}/{others[0]}", f"has the same name as {photo}")
        else:
            photo_file = File(str(folder), f"{PHOTOS}/{photo}")
            mask_file = File(str(folder), f"{MASKS}/{mask}")
            yield PairSource(name, photo_file, mask_file, split=split, found_in=found_in)
    for name in photos.keys() - {name for name, _, _ in named}:
        yield LeftOut(name)


def _unlisted(names: Iterable[str]) -> list[tuple[str, str, str]]:
    return [(name, PHOTOS, BY_NAME) for name in sorted(names)]


def _listed(folder: Folder) -> Iterator[tuple[str, str, str]]:
    """Yields name, list and split of each name in a list."""
    splits = {"train": TRAINVAL, "test": "test"}
    if (folder / LISTS / "eval.txt").exists():
        splits = {"train": "train", "eval": "eval", "test": "test"}
    for name_of_list, split in splits.items():
        file = f"{LISTS}/{name_of_list}.txt"
        for name in dict.fromkeys(read_list(folder / file)):
            yield name, file, split
