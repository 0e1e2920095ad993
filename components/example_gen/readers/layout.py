"""Where photos and masks are: photos by a pattern of their paths, the mask of each by a template."""

import os
import posixpath
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from components.example_gen.pairs import Note, PairSource, is_plain_path
from components.example_gen.readers.files import FileTree, Folder, require_folder
from components.example_gen.readers.patterns import SPLIT_WORDS, MaskTemplate, PathPattern, composed
from components.example_gen.settings import DataSettings
from components.example_gen.sources import File
from components.example_gen.storage.disk_index import DiskIndex
from components.example_gen.storage.spool import Spool
from petseg.files.image_file import MASK_ENDINGS, PHOTO_FORMATS

PHOTOS = "images"
MASKS = "masks"

IN_TWO_FOLDERS = (f"{PHOTOS}/**", f"{MASKS}/{{name}}.*")
IN_FOLDERS_OF_SPLITS = (f"{{split}}/{PHOTOS}/{{path:**}}", f"{{split}}/{MASKS}/{{path}}.*")


@dataclass(frozen=True, slots=True)
class PhotoFile:
    """A photo that the pattern found."""

    path: str
    name: str
    words: dict[str, str]


class Photos(Mapping[str, list[PhotoFile]]):
    """The photos by name, sorted; several where a name has several files."""

    def __init__(self, paths: Iterator[str], pattern: PathPattern):
        """Takes the paths of photos and the pattern that found them."""
        self._pattern = pattern
        self._paths = DiskIndex((pattern.name_of(path), path) for path in paths)

    def __getitem__(self, name: str) -> list[PhotoFile]:
        files = self._files(name, self._paths[name])
        if not files:
            raise KeyError(name)
        return files

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name in self._paths

    def __iter__(self) -> Iterator[str]:
        return (name for name, _ in self._paths.items())

    def __len__(self) -> int:
        return len(self._paths)

    def files(self) -> Iterator[tuple[str, list[PhotoFile]]]:
        """Each name with its files."""
        return ((name, self._files(name, paths)) for name, paths in self._paths.items())

    def _files(self, name: str, paths: list[str]) -> list[PhotoFile]:
        return [PhotoFile(path, name, self._pattern.match(path) or {}) for path in paths]


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
        self.tree = FileTree(folder, folders(self.photos, self.masks))
        self._endings = _mask_endings(data) if endings is None else endings
        self._used: Spool[str] = Spool()

    def find_photos(self) -> Photos:
        """The photos by name."""
        found = (path for path in self.tree.paths if self.photos.match(path) is not None)
        return Photos((path for path in found if not self._is_mask(path)), self.photos)

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
        used = DiskIndex((path, "") for path in self._used)
        for path in self.tree.paths:
            if self._is_mask(path) and path not in used:
                yield self._without_photo(path)

    def _is_mask(self, path: str) -> bool:
        return path.lower().endswith(self._endings) and self.masks.can_be(path)

    def _mask_of(self, photo: PhotoFile) -> str | Note:
        path = self.masks.path_for(photo.path, photo.name, photo.words)
        if self.masks.any_ending:
            files = self.tree.with_any_ending(path, self._endings)
            for file in files:
                self._used.append(file)
            if len(files) > 1:
                return Note(files[1], f"has the same name as {posixpath.basename(files[0])}")
            return files[0] if files else self.tree.missing(f"{path}.png", _advice(self.tree, path))
        found = self.tree.file(path)
        if found is None and self.masks.is_beside:
            elsewhere = self.tree.named(posixpath.basename(path))
            found = elsewhere[0] if len(elsewhere) == 1 else None
        if found is None:
            return self.tree.missing(path)
        self._used.append(found)
        return found

    def _without_photo(self, mask: str) -> Note:
        if self.masks.text == IN_TWO_FOLDERS[1] and self.photos.text == IN_TWO_FOLDERS[0]:
            name = os.path.splitext(composed(posixpath.relpath(mask, MASKS)))[0]
            return self.tree.missing(f"{PHOTOS}/{name}.jpg", "no ending of a photo")
        return Note(mask, f"has no photo that data.photos {self.photos.text} matches")


def folders(photos: PathPattern, masks: MaskTemplate) -> set[str]:
    """The folders to look in."""
    return {photos.folder, photos.folder if masks.is_beside else masks.folder}


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


def _mask_endings(data: DataSettings) -> tuple[str, ...]:
    """Endings of masks; those of a JPEG only with a threshold."""
    jpeg = () if data.mask_threshold is not None else PHOTO_FORMATS["JPEG"]
    return tuple(ending for ending in MASK_ENDINGS if ending not in jpeg)


def _advice(tree: FileTree, stem: str) -> str:
    if tree.with_any_ending(stem, PHOTO_FORMATS["JPEG"]):
        return "a JPEG is a mask only with data.mask_threshold"
    return "no ending of a mask"
