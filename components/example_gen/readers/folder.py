"""Photos and masks of your own in files, in any layout.

Without patterns:

    images/<name>.jpg, or any other ending of a photo, in subfolders too
    masks/<name>.png, or another ending of an image without loss
    splits/train.txt, splits/test.txt, splits/eval.txt   optional: one name a line, with or without ending

or the same in the folders train/, val/ and test/: `images/train/` and `masks/train/`, or `train/images/` and
`train/masks/`. `data.photos` and `data.masks` describe any other layout, see `patterns`.

Lists rule, then folders named after splits; without both, the hash of a name decides its split.
"""

import itertools
import os
import posixpath
from collections.abc import Callable, Iterator

from components.example_gen.pairs import BY_NAME, Found, LeftOut, Note, is_plain_path
from components.example_gen.readers.files import FileTree, Folder, data_folder, read_list
from components.example_gen.readers.layout import (
    IN_TWO_FOLDERS,
    MASKS,
    PHOTOS,
    Layout,
    PhotoFile,
    Photos,
    folders,
)
from components.example_gen.readers.patterns import (
    SPLIT_WORDS,
    MaskTemplate,
    PathPattern,
    composed,
    split_words,
    splits_of,
    without_ending,
)
from components.example_gen.settings import DataSettings
from components.example_gen.storage.disk_index import DiskIndex
from components.example_gen.storage.spool import Spool
from petseg.errors import UserError

LISTS = "splits"
NAMED_FILES = 3


def watched(data: DataSettings) -> tuple[str, ...]:
    """See Reader."""
    photos, masks = data.photos, data.masks
    if photos is None and masks is None:
        return PHOTOS, MASKS, LISTS, *(word for words in SPLIT_WORDS.values() for word in words)
    pattern = PathPattern("data.photos", photos or IN_TWO_FOLDERS[0])
    below = folders(pattern, MaskTemplate(masks or IN_TWO_FOLDERS[1], pattern.words))
    return (".",) if "." in below else (*sorted(below), LISTS)


def read_pairs(data: DataSettings, scratch: str) -> Iterator[Found]:
    """Yields every name of the lists, or every photo and mask where there are no lists; see Reader."""
    folder = data_folder(data)
    layout = Layout(folder, data)
    photos = layout.find_photos()
    if not photos and data.photos is not None:
        raise UserError(f"data.photos: no photo below {folder} matches {data.photos}{_seen(layout.tree)}")
    yield from pairs_of(layout, photos, _lists(folder), folder)


def pairs_of(layout: Layout, photos: Photos, lists: dict[str, str], folder: Folder) -> Iterator[Found]:
    """Yields the pairs of the lists, or all where there are no lists.

    Args:
        layout: Where the masks are.
        photos: The photos by name.
        lists: Split of each list, by its path below the folder.
        folder: The data set's folder.
    """
    if lists:
        yield from _listed(layout, photos, lists, folder)
        return
    split_of = splits_of_photos(photos, layout.photos)
    for _, files in photos.files():
        yield layout.pair(files, split_of(files[0]), found_in=layout.photos.folder)
    yield from layout.orphans()


def _seen(tree: FileTree) -> str:
    few = tree.paths[:NAMED_FILES]
    return f"; there are {', '.join(few)}{' ...' if len(tree.paths) > len(few) else ''}" if few else ""


def _lists(folder: Folder) -> dict[str, str]:
    """Split of each list, by its path.

    Raises:
        UserError: One of the lists that are needed is missing.
    """
    if not (folder / LISTS).is_dir():
        return {}
    names = [entry.name for entry in (folder / LISTS).iterdir()]
    files = {
        os.path.splitext(name)[0]: f"{LISTS}/{name}"
        for name in sorted(names)
        if name.lower().endswith(".txt") and split_words(os.path.splitext(name)[0])
    }
    splits = splits_of(files)
    found = {split_words(word) for word in files}
    for needed, also in (("train", set()), ("test", {"eval"})):
        if not found & {needed, *also}:
            raise UserError(f"data: the list {folder / LISTS / f'{needed}.txt'} is missing")
    return {files[word]: split for word, split in splits.items()}


def _listed(layout: Layout, photos: Photos, lists: dict[str, str], folder: Folder) -> Iterator[Found]:
    """Yields the pair of each line of the lists, and the photos that no list names."""
    find_name = _names_in_lists(photos)
    listed: Spool[str] = Spool()
    for file, split in lists.items():
        lines = read_list(folder / file)
        found = {line: find_name(_plain(line)) for line in lines}
        if found and not any(found.values()):
            few = ", ".join(itertools.islice(photos, NAMED_FILES))
            raise UserError(
                f"data: the list {folder / file} names no photo: its first line is {lines[0]!r}, photos are "
                f"named {few}"
            )
        once = {name or line: name for line, name in found.items()}
        for line, name in once.items():
            if name:
                listed.append(name)
                yield layout.pair(photos[name], split, file)
            elif is_plain_path(_plain(line)):
                yield _not_there(layout, _plain(line))
            else:
                yield Note(file, f"{line!r} is not a plain file name")
    names = DiskIndex((name, "") for name in listed)
    yield from (LeftOut(name) for name in photos if name not in names)


def _not_there(layout: Layout, name: str) -> Note:
    folder = layout.photos.folder
    path = name if folder == "." or name.startswith(f"{folder}/") else f"{folder}/{name}"
    return layout.tree.missing(f"{path}.jpg", "no ending of a photo")


def _names_in_lists(photos: Photos) -> Callable[[str], str | None]:
    """Finds a photo's name by what a list may call it: name, path, or a file name that only it has."""
    by_path = DiskIndex(
        (without_ending(composed(file.path)), name) for name, files in photos.files() for file in files
    )
    by_file_name = DiskIndex((posixpath.basename(name), name) for name in photos)

    def find(called: str) -> str | None:
        if called in photos:
            return called
        names = by_path[called][-1:] or by_file_name[called]
        return names[0] if len(names) == 1 else None

    return find


def _plain(line: str) -> str:
    """A line of a list without ending and without a leading dot or slash."""
    return without_ending(line.replace("\\", "/").removeprefix("./").removeprefix("/"))


def splits_of_photos(photos: Photos, pattern: PathPattern) -> Callable[[PhotoFile], str]:
    """What tells the split of a photo: folders named after splits, where all photos are in one."""
    words = {_split_word(files[0], pattern) for _, files in photos.files()}
    splits = splits_of(word for word in words if word)
    if None in words:
        return lambda photo: BY_NAME
    return lambda photo: splits[str(_split_word(photo, pattern))]


def _split_word(photo: PhotoFile, pattern: PathPattern) -> str | None:
    """The word for a split in a photo's path: {split}, or in the usual layout the folder below images."""
    if "split" in pattern.words:
        return photo.words["split"]
    first = photo.name.split("/")[0]
    return first if pattern.text == IN_TWO_FOLDERS[0] and "/" in photo.name and split_words(first) else None
