"""Google Cloud Storage through Arrow's client, with folders listed as other tools list them.

fsspec's own client, gcsfs, needs protobuf 4 or later, and TFX 1.16 needs protobuf 3.
"""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from fsspec.implementations.arrow import ArrowFSWrapper
from pyarrow.fs import FileInfo, FileSelector, FileType, GcsFileSystem

RETRIES = timedelta(minutes=1)
"""How long a request is retried. With the client's default of 15 minutes a run would seem to hang."""


class GoogleFiles(ArrowFSWrapper):
    """The store as an fsspec filesystem.

    Arrow lists a folder in a folder only if there is an empty object of its name, which Arrow creates and
    `gsutil cp -r` does not. A recursive listing finds them all.

    Args:
        emulator: URL of an emulator, as in STORAGE_EMULATOR_HOST; None: the real store.
    """

    def __init__(self, emulator: str | None):
        super().__init__(GcsFileSystem(retry_time_limit=RETRIES, **_stand_in(emulator)))

    def ls(self, path: str, detail: bool = False, **kwargs: Any) -> list[Any]:
        """Names of the files and folders directly below."""
        if detail:
            raise NotImplementedError("ls supports detail=False only")
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
        """All files below, or the file itself; with `detail` a dict from path to size and time."""
        if maxdepth is not None or withdirs:
            raise NotImplementedError("find supports neither maxdepth nor withdirs")
        files = list(self._files_below(path)) or [
            info for info in self.fs.get_file_info([path]) if info.type is FileType.File
        ]
        return {info.path: self._make_entry(info) for info in files} if detail else [i.path for i in files]

    def makedirs(self, path: str, exist_ok: bool = False) -> None:
        """Does nothing: a store has no folders to create, and Arrow would also create a missing bucket."""

    def _files_below(self, path: str) -> Iterator[FileInfo]:
        listed = self.fs.get_file_info(FileSelector(path, recursive=True, allow_not_found=True))
        return (info for info in listed if info.type is FileType.File)


def _stand_in(emulator: str | None) -> dict[str, Any]:
    if not emulator:
        return {}
    scheme, _, address = emulator.rpartition("://")
    return {"endpoint_override": address, "scheme": scheme or "http", "anonymous": True}
