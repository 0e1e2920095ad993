"""Files on an object store, s3:// or gs://, through fsspec.

TensorFlow is not used: it has no S3 filesystem, and takes ten seconds to import. StorePath adds what fsspec
lacks: the store's errors as a UserError of one line, listings that are never cached, since others write too,
and a tag of each file for fingerprints.

Credentials and endpoints come from the environment, as for the stores' own tools. AWS_ENDPOINT_URL names
another S3 server such as MinIO, STORAGE_EMULATOR_HOST an emulator of Google's store.
"""

import contextlib
import os
import posixpath
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from petseg.errors import UserError

SCHEMES = ("s3", "gs")


def is_url(path: object) -> bool:
    """Whether a path is a URL, on an object store, rather than a local path."""
    return "://" in str(path)


def check_scheme(key: str, path: str) -> None:
    """Raises a UserError if a setting is the URL of a store that is not supported."""
    if is_url(path) and path.partition("://")[0] not in SCHEMES:
        known = " or ".join(f"{scheme}://" for scheme in SCHEMES)
        raise UserError(f"{key} must begin with {known}, or be a folder; received {path}")


def as_path(path: str) -> "Path | StorePath":
    """The local path, or the path on an object store if it is a URL."""
    return StorePath(path) if is_url(path) else Path(path)


class StorePath:
    """A file or folder on an object store, with the part of pathlib.Path's interface that is used here.

    Every method raises UserError if the store cannot be reached or refuses.
    """

    def __init__(self, url: str):
        """Takes `s3://bucket/...` or `gs://bucket/...`."""
        self._url = url.rstrip("/")
        self.name = posixpath.basename(self._url)

    def __str__(self) -> str:
        return self._url

    def __truediv__(self, below: str) -> "StorePath":
        return self if below == "." else StorePath(f"{self._url}/{below}")

    def is_dir(self) -> bool:
        """Whether there is anything below it: stores have no empty folders."""
        with self._opened() as (files, path):
            return files.isdir(path)

    def exists(self) -> bool:
        """Whether it is a file, or there is anything below it."""
        with self._opened() as (files, path):
            return files.exists(path)

    def iterdir(self) -> Iterator["StorePath"]:
        """Files and folders in the folder; none if it does not exist."""
        with self._opened() as (files, path):
            entries = files.ls(path, detail=False) if files.isdir(path) else []
        names = {posixpath.basename(entry.rstrip("/")) for entry in entries if entry.rstrip("/") != path}
        yield from (self / name for name in sorted(names))

    def read_bytes(self) -> bytes:
        """Content of a file; FileNotFoundError if there is none."""
        with self._opened() as (files, path):
            return files.cat_file(path)

    def read_text(self, encoding: str = "utf-8") -> str:
        """Content of a text file; FileNotFoundError if there is none."""
        return self.read_bytes().decode(encoding)

    def size(self) -> int:
        """Bytes of a file; FileNotFoundError if there is none."""
        with self._opened() as (files, path):
            return files.info(path)["size"]

    def write_bytes(self, content: bytes) -> None:
        """Writes a file: a reader sees all of it or nothing."""
        with self._opened(writing=True) as (files, path):
            files.pipe_file(path, content)

    def unlink(self) -> None:
        """Removes a file; FileNotFoundError if there is none."""
        with self._opened() as (files, path):
            files.rm_file(path)

    def remove_all(self) -> None:
        """Removes everything below it, if there is anything."""
        with self._opened() as (files, path), contextlib.suppress(FileNotFoundError):
            files.rm(path, recursive=True)

    def files_below(self) -> dict[str, str]:
        """All files below, or the file itself: by relative path a tag that changes with the file."""
        with self._opened() as (files, path):
            found = files.find(path, detail=True)
            # For a path that is a file itself, some clients return the name only.
            found = {file: about or files.info(file) for file, about in found.items()}
        return {
            posixpath.relpath(file, path): f"{about['size']} {about.get('ETag') or about.get('mtime')}"
            for file, about in sorted(found.items())
        }

    def upload(self, file: Path) -> None:
        """Uploads a local file to this path."""
        with self._opened(writing=True) as (files, path):
            files.put_file(str(file), path)

    def download(self, folder: Path, left_out: str = "") -> None:
        """Downloads all files below into a local folder, which is created.

        Args:
            folder: The local folder.
            left_out: Beginning of the relative paths that are not downloaded; empty: all are.
        """
        for name in self.files_below():
            if left_out and name.startswith(left_out):
                continue
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            with (self / name)._opened() as (files, path):
                files.get_file(path, str(file))

    @contextlib.contextmanager
    def _opened(self, *, writing: bool = False) -> Iterator[tuple[Any, str]]:
        """Yields the filesystem and this path in it; turns the store's errors into a UserError."""
        scheme, _, path = self._url.partition("://")
        files = _filesystem(scheme, self._url)
        refusals: tuple[type[Exception], ...] = (OSError, *_client_errors(scheme))
        try:
            yield files, path
        except FileNotFoundError:
            if writing:
                raise UserError(f"{self._url} cannot be written: there is no such bucket") from None
            raise
        except refusals as error:
            said = " ".join(str(error).split()) or type(error).__name__
            raise UserError(
                f"{self._url} cannot be used: {said}; check the bucket, the credentials in the environment"
                f"{' and AWS_ENDPOINT_URL' if scheme == 's3' else ''}"
            ) from error


def check_writable(url: str) -> None:
    """Raises a UserError if nothing can be written below a URL."""
    probe = StorePath(url) / ".write_check"
    probe.write_bytes(b"written by petseg before a run, and removed again")
    probe.unlink()


def copy_folder(folder: Path, target: Path | StorePath) -> None:
    """Copies all files of a local folder to a folder or store."""
    if isinstance(target, Path):
        shutil.copytree(folder, target, dirs_exist_ok=True)
        return
    for file in sorted(file for file in folder.rglob("*") if file.is_file()):
        (target / file.relative_to(folder).as_posix()).upload(file)


def _filesystem(scheme: str, url: str) -> Any:
    if scheme == "s3":
        try:
            import s3fs
        except ImportError:
            raise UserError(f"{url} needs s3fs: run pip install '.[s3]' in a checkout") from None
        # Others write there too, so no listing is cached. fsspec keeps one client per process.
        return s3fs.S3FileSystem(use_listings_cache=False)
    if scheme == "gs":
        from petseg.files.google_files import GoogleFiles

        return GoogleFiles(os.environ.get("STORAGE_EMULATOR_HOST"))
    raise ValueError(f"A store must be one of {', '.join(SCHEMES)}. Received instead: {url}")


def _client_errors(scheme: str) -> tuple[type[Exception], ...]:
    """Exceptions of a store's client that are not OSErrors."""
    if scheme != "s3":
        return ()
    from botocore.exceptions import BotoCoreError

    return (BotoCoreError,)
