"""The photos to predict: which files they are, and their bytes as the model takes them."""

import os
import posixpath
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from components.example_gen.readers.files import FileTree
from components.example_gen.sources import File
from petseg.errors import UserError
from petseg.files.image_file import PHOTO_ENDINGS
from petseg.files.object_store import StorePath, as_path, check_scheme, is_url

BYTES_PER_PIXEL = 8
"""No sane file spends more on a pixel; a larger one is not even read."""


@dataclass(frozen=True)
class PhotoFile:
    """A photo's file, local or on an object store.

    Attributes:
        root: Folder or URL.
        path: Path below it.
    """

    root: str
    path: str

    @property
    def name(self) -> str:
        """What its results are called: the path below the folder, without ending."""
        return posixpath.splitext(self.path)[0]

    def read(self, max_pixels: int) -> bytes:
        """The file's bytes.

        Raises:
            BrokenFileError: It is missing or cannot be read, or is larger than such a photo can be.
        """
        return File(self.root, self.path).read(BYTES_PER_PIXEL * max_pixels + 2**20)

    def __str__(self) -> str:
        return f"{self.root.rstrip('/')}/{self.path}"


@dataclass(frozen=True)
class Found:
    """What there is to predict.

    Attributes:
        photos: Sorted by folder and path.
        left_out: Number of the other files in the folders, by their ending; `hidden` are those with a leading
            dot in their path.
    """

    photos: list[PhotoFile]
    left_out: dict[str, int]


def find_photos(images: Sequence[str]) -> Found:
    """Lists photos, and those in folders and their subfolders.

    In a folder, hidden files and those without a photo's ending are left out, as the readers of data sets do.

    Args:
        images: Files and folders, local or s3:// and gs://.

    Raises:
        UserError: A path does not exist, there is no photo, or two photos would have the same results.
    """
    photos: list[PhotoFile] = []
    left_out: Counter[str] = Counter()
    for path in images:
        check_scheme("--images", path)
        folder = as_path(path)
        if folder.is_dir():
            # Raises where the folder may not be read: the tree passes over such folders.
            next(iter(folder.iterdir()), None)
            tree = FileTree(folder, ["."])
            is_photo = [file.lower().endswith(PHOTO_ENDINGS) for file in tree.paths]
            photos += [
                PhotoFile(path, file) for file, photo in zip(tree.paths, is_photo, strict=True) if photo
            ]
            others = [file for file, photo in zip(tree.paths, is_photo, strict=True) if not photo]
            left_out.update(os.path.splitext(file)[1].lower() or "without ending" for file in others)
            left_out.update({"hidden": tree.hidden} if tree.hidden else {})
        elif folder.exists():
            photos.append(_single(path))
        else:
            raise UserError(f"--images {path}: there is no such file or folder")
    if not photos:
        raise UserError(f"--images {images[0]}: no photos in it ({', '.join(PHOTO_ENDINGS)})")
    _check_names(photos)
    return Found(photos, dict(left_out))


def _single(path: str) -> PhotoFile:
    if is_url(path):
        parent, _, name = str(StorePath(path)).rpartition("/")
        return PhotoFile(parent, name)
    return PhotoFile(os.path.dirname(path) or ".", os.path.basename(path))


def _check_names(photos: Sequence[PhotoFile]) -> None:
    by_name: dict[str, PhotoFile] = {}
    for photo in photos:
        other = by_name.setdefault(photo.name, photo)
        if other is not photo:
            raise UserError(f"{other} and {photo} would both become {photo.name}.png; rename one")
