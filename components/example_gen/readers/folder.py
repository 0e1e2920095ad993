"""Photos and masks of your own in files, in any layout.

Without patterns:

    images/<name>.jpg, or any other ending of a photo, in subfolders too
    masks/<name>.png, or another ending of an image without loss
    splits/train.txt, splits/test.txt, splits/eval.txt   optional: one name a line, with or without ending

or the same in the folders train/, val/ and test/: `images/train/` and `masks/train/`, or `train/images/` and
`train/masks/`. `data.photos` and `data.masks` describe any other layout, see `patterns`.

Lists rule, then folders named after splits; without both, the hash of a name decides its split.
"""

import os
import posixpath
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from components.example_gen.pairs import BY_NAME, Found, LeftOut, Note, PairSource, is_plain_path
from components.example_gen.readers.files import FileTree, Folder, data_folder, read_list, require_folder
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
from components.example_gen.sources import File
from petseg.errors import UserError
from petseg.files.image_file import MASK_ENDINGS, PHOTO_FORMATS

PHOTOS = "images"
MASKS = "masks"
LISTS = "splits"
NAMED_FILES = 3

IN_TWO_FOLDERS = (f"{PHOTOS}/**", f"{MASKS}/{{name}}.*")
IN_FOLDERS_OF_SPLITS = (f"{{split}}/{PHOTOS}/{{path:**}}", f"{{split}}/{MASKS}/{{path}}.*")


@dataclass(frozen=True, slots=True)
class PhotoFile:
    """A photo that the pattern found."""

    path: str
    name: str
    words: dict[str, str]


class Layout:
    """Photos by their pattern, and where the mask of each is."""

    def __init__(self, folder: Folder, data: DataSettings, endings: tuple[str, ...] | None = None):
        """Lists the files.

        Args:
            folder: The data set's folder.
            data: The patterns.
            endings: Of the files that hold masks; None: those of images.

        Raises:
            UserError: A folder of the usual layout is missing, or a pattern cannot be.
        """
        photos, masks = data.photos, data.masks
        if photos is None and masks is None:
            photos, masks = _usual_patterns(folder)
        self.photos = PathPattern("data.photos", photos or IN_TWO_FOLDERS[0])
        self.masks = MaskTemplate(masks or IN_TWO_FOLDERS[1], self.photos.words)
        self.tree = FileTree(folder, _folders(self.photos, self.masks))
        self._endings = _mask_endings(data) if endings is None else endings
        self._used: set[str] = set()

    def find_photos(self) -> dict[str, list[PhotoFile]]:
        """The photos by name; several where a name has several files."""
        found: dict[str, list[PhotoFile]] = {}
        for path in self.tree.paths:
            words = self.photos.match(path)
            if words is not None and not self._is_mask(path):
                photo = PhotoFile(path, self.photos.name_of(path), words)
                found.setdefault(photo.name, []).append(photo)
        return found

    def mask_file(self, photo: PhotoFile) -> str | None:
        """Path of a photo's mask; None if there is none, or if there are several."""
        mask = self._mask_of(photo)
        return None if isinstance(mask, Note) else mask

    def pair(self, files: list[PhotoFile], split: str, found_in: str) -> PairSource | Note:
        """The pair of a photo, or why there is none."""
        photo, *others = files
        if not is_plain_path(photo.name):
            return Note(self.photos.folder, f"{photo.name!r} is not a plain file name")
        mask = self._mask_of(photo)
        if others:
            return Note(others[0].path, f"has the same name as {posixpath.basename(photo.path)}")
        if isinstance(mask, Note):
            return mask
        root = self.tree.root
        return PairSource(
            photo.name, File(root, photo.path), File(root, mask), split=split, found_in=found_in
        )

    def orphans(self) -> Iterator[Note]:
        """Masks that no photo has."""
        for path in self.tree.paths:
            if path not in self._used and self._is_mask(path):
                yield self._without_photo(path)

    def _is_mask(self, path: str) -> bool:
        return path.lower().endswith(self._endings) and self.masks.can_be(path)

    def _mask_of(self, photo: PhotoFile) -> str | Note:
        path = self.masks.path_for(photo.path, photo.name, photo.words)
        if self.masks.any_ending:
            files = self.tree.with_any_ending(path, self._endings)
            self._used.update(files)
            if len(files) > 1:
                return Note(files[1], f"has the same name as {posixpath.basename(files[0])}")
            return files[0] if files else self.tree.missing(f"{path}.png", _advice(self.tree, path))
        file = self.tree.file(path)
        if file is None and self.masks.is_beside:
            elsewhere = self.tree.named(posixpath.basename(path))
            file = elsewhere[0] if len(elsewhere) == 1 else None
        if file is None:
            return self.tree.missing(path)
        self._used.add(file)
        return file

    def _without_photo(self, mask: str) -> Note:
        if self.masks.text == IN_TWO_FOLDERS[1] and self.photos.text == IN_TWO_FOLDERS[0]:
            name = os.path.splitext(composed(posixpath.relpath(mask, MASKS)))[0]
            return self.tree.missing(f"{PHOTOS}/{name}.jpg", "no ending of a photo")
        return Note(mask, f"has no photo that data.photos {self.photos.text} matches")


def watched(data: DataSettings) -> tuple[str, ...]:
    """See Reader."""
    photos, masks = data.photos, data.masks
    if photos is None and masks is None:
        return PHOTOS, MASKS, LISTS, *(word for words in SPLIT_WORDS.values() for word in words)
    pattern = PathPattern("data.photos", photos or IN_TWO_FOLDERS[0])
    folders = _folders(pattern, MaskTemplate(masks or IN_TWO_FOLDERS[1], pattern.words))
    return (".",) if "." in folders else (*sorted(folders), LISTS)


def read_pairs(data: DataSettings, scratch: str) -> Iterator[Found]:
    """Yields every name of the lists, or every photo and mask where there are no lists; see Reader."""
    folder = data_folder(data)
    layout = Layout(folder, data)
    photos = layout.find_photos()
    if not photos and data.photos is not None:
        raise UserError(f"data.photos: no photo below {folder} matches {data.photos}{_seen(layout.tree)}")
    yield from pairs_of(layout, photos, _lists(folder), folder)


def pairs_of(
    layout: Layout, photos: dict[str, list[PhotoFile]], lists: dict[str, str], folder: Folder
) -> Iterator[Found]:
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
    splits = splits_of_photos(photos, layout.photos)
    for name, files in photos.items():
        yield layout.pair(files, splits[name], found_in=layout.photos.folder)
    yield from layout.orphans()


def _usual_patterns(folder: Folder) -> tuple[str, str]:
    """Two folders, or two in each folder of a split.

    Raises:
        UserError: They are not there.
    """
    words = [word for words in SPLIT_WORDS.values() for word in words]
    if not (folder / PHOTOS).is_dir() and any((folder / f"{word}/{PHOTOS}").is_dir() for word in words):
        return IN_FOLDERS_OF_SPLITS
    require_folder(folder / PHOTOS, "the photos")
    require_folder(folder / MASKS, "the masks")
    return IN_TWO_FOLDERS


def _folders(photos: PathPattern, masks: MaskTemplate) -> set[str]:
    return {photos.folder, photos.folder if masks.is_beside else masks.folder}


def _mask_endings(data: DataSettings) -> tuple[str, ...]:
    """Endings of masks; those of a JPEG only with a threshold."""
    jpeg = () if data.mask_threshold is not None else PHOTO_FORMATS["JPEG"]
    return tuple(ending for ending in MASK_ENDINGS if ending not in jpeg)


def _advice(tree: FileTree, stem: str) -> str:
    if tree.with_any_ending(stem, PHOTO_FORMATS["JPEG"]):
        return "a JPEG is a mask only with data.mask_threshold"
    return "no ending of a mask"


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


def _listed(
    layout: Layout, photos: dict[str, list[PhotoFile]], lists: dict[str, str], folder: Folder
) -> Iterator[Found]:
    """Yields the pair of each line of the lists, and the photos that no list names."""
    index = _names_in_lists(photos)
    listed: set[str] = set()
    for file, split in lists.items():
        lines = read_list(folder / file)
        found = {line: index.get(_plain(line)) for line in lines}
        if found and not any(found.values()):
            few = ", ".join(sorted(photos)[:NAMED_FILES])
            raise UserError(
                f"data: the list {folder / file} names no photo: its first line is {lines[0]!r}, photos are "
                f"named {few}"
            )
        once = {name or line: name for line, name in found.items()}
        for line, name in once.items():
            if name:
                listed.add(name)
                yield layout.pair(photos[name], split, file)
            elif is_plain_path(_plain(line)):
                yield _not_there(layout, _plain(line))
            else:
                yield Note(file, f"{line!r} is not a plain file name")
    yield from (LeftOut(name) for name in photos.keys() - listed)


def _not_there(layout: Layout, name: str) -> Note:
    folder = layout.photos.folder
    path = name if folder == "." or name.startswith(f"{folder}/") else f"{folder}/{name}"
    return layout.tree.missing(f"{path}.jpg", "no ending of a photo")


def _names_in_lists(photos: dict[str, list[PhotoFile]]) -> dict[str, str]:
    """Name of a photo by what a list may call it: its name, its path, or a file name that only it has."""
    stems = Counter(posixpath.basename(name) for name in photos)
    index = {posixpath.basename(name): name for name in photos if stems[posixpath.basename(name)] == 1}
    index |= {without_ending(composed(file.path)): name for name, files in photos.items() for file in files}
    return index | {name: name for name in photos}


def _plain(line: str) -> str:
    """A line of a list without ending and without a leading dot or slash."""
    return without_ending(line.replace("\\", "/").removeprefix("./").removeprefix("/"))


def splits_of_photos(photos: dict[str, list[PhotoFile]], pattern: PathPattern) -> dict[str, str]:
    """Split of each photo, by name: from folders named after splits, where all photos are in one."""
    words = {name: _split_word(files[0], pattern) for name, files in photos.items()}
    splits = splits_of(word for word in words.values() if word)
    if None in words.values():
        return dict.fromkeys(photos, BY_NAME)
    return {name: splits[word] for name, word in words.items() if word}


def _split_word(photo: PhotoFile, pattern: PathPattern) -> str | None:
    """The word for a split in a photo's path: {split}, or in the usual layout the folder below images."""
    if "split" in pattern.words:
        return photo.words["split"]
    first = photo.name.split("/")[0]
    return first if pattern.text == IN_TWO_FOLDERS[0] and "/" in photo.name and split_words(first) else None
