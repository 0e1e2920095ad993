"""Photos and masks of one's own.

    images/<name>.jpg (or .jpeg, .png, .bmp, .gif, .webp)
    masks/<name>.png
    splits/train.txt, splits/test.txt, splits/eval.txt   optional: one name without ending a line

Without `splits` the names are divided by their hash; without `splits/eval.txt` the train list is.
"""

from components.example_gen.pairs import (
    Listing,
    Note,
    PairSource,
    split_of_listed,
    split_of_unlisted,
)
from components.example_gen.readers.files import (
    Folder,
    data_folder,
    names_in,
    read_list,
    require_folder,
    unfit_names,
)
from components.example_gen.settings import DataSettings

PHOTOS = "images"
MASKS = "masks"
LISTS = "splits"
WATCHED = (PHOTOS, MASKS, LISTS)
PHOTO_ENDINGS = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".webp")


def list_pairs(data: DataSettings) -> Listing:
    """Lists every name of the lists, or every photo and mask where there are no lists.

    Raises:
        UserError: The folder, one of its folders, or the train or test list is missing.
    """
    folder = data_folder(data)
    require_folder(folder / PHOTOS, "the photos")
    require_folder(folder / MASKS, "the masks")
    photos = names_in(folder / PHOTOS, PHOTO_ENDINGS)
    masks = names_in(folder / MASKS, (".png",))
    unfit: dict[str, Note] = {}
    if (folder / LISTS).is_dir():
        splits, unfit = _listed_splits(folder, data.eval_percent)
    else:
        names = photos.keys() | masks.keys()
        unfit = unfit_names({PHOTOS: sorted(names)})
        splits = {name: split_of_unlisted(name, data.eval_percent) for name in names - unfit.keys()}
    pairs, broken = [], [unfit[name] for name in sorted(unfit)]
    for name in sorted(splits):
        photo, *others = photos.get(name, [f"{name}.jpg"])
        mask = masks.get(name, [f"{name}.png"])[0]
        if others:
            broken.append(Note(f"{PHOTOS}/{others[0]}", f"has the same name as {photo}"))
        else:
            pairs.append(PairSource(name, splits[name], f"{PHOTOS}/{photo}", f"{MASKS}/{mask}"))
    in_no_list = photos.keys() - splits.keys() - unfit.keys()
    return Listing(str(folder), tuple(pairs), tuple(broken), tuple(sorted(in_no_list)))


def _listed_splits(folder: Folder, eval_percent: int) -> tuple[dict[str, str], dict[str, Note]]:
    """The split of each name that can be used, and a note on each other name."""
    has_eval = (folder / LISTS / "eval.txt").exists()
    splits_with_list = ("train", "eval", "test") if has_eval else ("train", "test")
    names = {split: read_list(folder / LISTS / f"{split}.txt") for split in splits_with_list}
    unfit = unfit_names({f"{LISTS}/{split}.txt": listed for split, listed in names.items()})
    splits = {name: split for split, listed in names.items() for name in listed if name not in unfit}
    if not has_eval:
        for name in names["train"]:
            if name in splits:
                splits[name] = split_of_listed(name, eval_percent)
    return splits, unfit
