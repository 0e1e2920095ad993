"""Sources of a photo and a mask: anything that opens to bytes, or that is rendered.

A reader uses File or brings its own, such as the polygons of one annotation. Beam pickles sources, so keep
them small: better a file's name and a number than the content.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from petseg.errors import BrokenFileError
from petseg.files.object_store import StorePath, is_url

if TYPE_CHECKING:
    import numpy as np
    from typing_extensions import TypeIs


@runtime_checkable
class EncodedImage(Protocol):
    """An image that opens to the bytes of an image file."""

    @property
    def path(self) -> str:
        """What messages call it: a path below the folder that the reader looks in."""

    def read(self, max_bytes: int) -> bytes:
        """Returns the encoded image.

        Raises:
            BrokenFileError: It is missing, cannot be read, or has more than `max_bytes`.
        """


@runtime_checkable
class RenderedMask(Protocol):
    """A mask that is drawn from something else than pixels, such as polygons or a run-length encoding."""

    @property
    def path(self) -> str:
        """What messages call it: a path below the folder that the reader looks in."""

    def render(self, height: int, width: int) -> np.ndarray:
        """Returns the mask's values, integers of shape [height, width], each 0 to 255.

        Args:
            height: Pixels of the upright photo, for annotations that are relative to it.
            width: Pixels of the upright photo.

        Returns:
            Values of the class table. An annotation that has a size of its own is rendered at that size, and
            the size is checked against the photo's. Where the photo is turned by EXIF, the size also tells
            whether the annotation lies as the photo is stored; a class attribute `is_upright = True` says
            that it never does.

        Raises:
            BrokenFileError: There is nothing to render, or it makes no sense.
        """


def is_rendered(mask: EncodedImage | RenderedMask) -> TypeIs[RenderedMask]:
    """Whether a mask is rendered. Unlike `isinstance` of a protocol, it takes no time."""
    return hasattr(mask, "render")


@dataclass(frozen=True)
class File:
    """A file in a local folder or on an object store; implements EncodedImage.

    Attributes:
        root: Folder or URL. A link below it may not lead out of it.
        path: Path of the file below the root.
    """

    root: str
    path: str

    def read(self, max_bytes: int) -> bytes:
        """See EncodedImage."""
        return self._read_object(max_bytes) if is_url(self.root) else self._read_local(max_bytes)

    def _read_local(self, max_bytes: int) -> bytes:
        path = os.path.join(self.root, self.path)
        try:
            state = os.lstat(path)
            if stat.S_ISLNK(state.st_mode):
                self._check_link(path)
                state = os.stat(path)
            if not stat.S_ISREG(state.st_mode):
                raise BrokenFileError("is not a file")
            _check_size(state.st_size, max_bytes)
            with open(path, "rb", buffering=0) as file:
                return file.readall()
        except FileNotFoundError:
            raise BrokenFileError("is missing") from None
        except OSError as error:
            raise BrokenFileError(f"cannot be read: {error.strerror}") from None

    def _check_link(self, path: str) -> None:
        """The owner may link the folder of the photos itself; a file in it may not lead elsewhere."""
        homes = (_real_folder(self.root), _real_folder(os.path.dirname(path)))
        if not any(_is_within(os.path.realpath(path), home) for home in homes):
            raise BrokenFileError("is a link that leads out of the data set's folder")

    def _read_object(self, max_bytes: int) -> bytes:
        """Reads from the store; a failure of the store itself is a UserError, which stops the run."""
        path = StorePath(self.root) / self.path
        try:
            _check_size(path.size(), max_bytes)
            return path.read_bytes()
        except FileNotFoundError:
            raise BrokenFileError("is missing") from None


def _check_size(size: int, max_bytes: int) -> None:
    if size > max_bytes:
        raise BrokenFileError(f"has {size} bytes, more than data.max_pixels allows")


@cache
def _real_folder(folder: str) -> str:
    return os.path.realpath(folder)


def _is_within(path: str, folder: str) -> bool:
    return os.path.commonpath((path, folder)) == folder
