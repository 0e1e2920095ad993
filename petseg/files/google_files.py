"""Google's object store through Arrow's client, with folders as everybody else's tools see them."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from fsspec.implementations.arrow import ArrowFSWrapper
from pyarrow.fs import FileInfo, FileSelector, FileType, GcsFileSystem

RETRIES = timedelta(minutes=1)
"""How long a request is tried; the client's own 15 minutes would look like a run that hangs."""


class GoogleFiles(ArrowFSWrapper):
    """The store as an fsspec filesystem.

    Arrow lists a folder in a folder only where somebody has made an empty object of its name, as Arrow itself
    does and `gsutil cp -r` does not. Listed with all that lies below, nothing is missing.

    Args:
        emulator: URL of a stand-in, as Google's own clients read it from STORAGE_EMULATOR_HOST; None: Google.
    """

    def __init__(self, emulator: str | None):
        super().__init__(GcsFileSystem(retry_time_limit=RETRIES, **_stand_in(emulator)))

    def ls(self, path: str, detail: bool = False, **kwargs: Any) -> list[Any]:
        """Names of the files and folders right below."""
        if detail:
            raise NotImplementedError("folders have no details here")
        below = (file.path.removeprefix(f"{path}/") for file in self._files_below(path))
        return sorted({f"{path}/{name.partition('/')[0]}" for name in below})

    def find(
        self,
        path: str,
        maxdepth: int | None = None,
        withdirs: bool = False,
        detail: bool = False,
        **kwargs: Any,
    ) -> Any:
        """All files below, or the file itself; with their size and time by name where `detail` is asked."""
        if maxdepth is not None or withdirs:
            raise NotImplementedError("all files below, and no folders, are found here")
        files = list(self._files_below(path)) or [
            info for info in self.fs.get_file_info([path]) if info.type is FileType.File
        ]
        return {info.path: self._make_entry(info) for info in files} if detail else [i.path for i in files]

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Nothing: folders need no making, and Arrow would make a missing bucket, too."""

    def _files_below(self, path: str) -> Iterator[FileInfo]:
        listed = self.fs.get_file_info(FileSelector(path, recursive=True, allow_not_found=True))
        return (info for info in listed if info.type is FileType.File)


def _stand_in(emulator: str | None) -> dict[str, Any]:
    if not emulator:
        return {}
    scheme, _, address = emulator.rpartition("://")
    return {"endpoint_override": address, "scheme": scheme or "http", "anonymous": True}
