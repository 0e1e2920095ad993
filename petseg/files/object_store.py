"""Files on an object store, s3:// or gs://, without TensorFlow, which has no S3 filesystem.

Credentials and endpoints come from the environment, as the stores' own tools read them: AWS_ENDPOINT_URL
names another S3 server such as MinIO, STORAGE_EMULATOR_HOST a stand-in for Google's.
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
    """Whether a place is on an object store rather than in a folder."""
    return "://" in str(path)


def check_scheme(key: str, path: str) -> None:
    """Raises a UserError where a setting is a URL of no store that can be used."""
    if is_url(path) and path.partition("://")[0] not in SCHEMES:
        known = " or ".join(f"{scheme}://" for scheme in SCHEMES)
        raise UserError(f"{key} must begin with {known}, or be a folder; received {path}")


def place(path: str) -> "Path | StorePath":
    """The folder or file of a path or a URL."""
    return StorePath(path) if is_url(path) else Path(path)


class StorePath:
    """A file or folder on an object store, with as much of pathlib.Path as its readers use.

    All of it raises UserError where the store cannot be reached or refuses.
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
        """Whether something lies below it: stores have no empty folders."""
        with self._opened() as (files, path):
            return files.isdir(path)

    def exists(self) -> bool:
        """Whether it is a file, or something lies below it."""
        with self._opened() as (files, path):
            return files.exists(path)

    def iterdir(self) -> Iterator["StorePath"]:
        """What lies in the folder; nothing where it does not exist."""
        with self._opened() as (files, path):
            entries = files.ls(path, detail=False) if files.isdir(path) else []
        names = {posixpath.basename(entry.rstrip("/")) for entry in entries if entry.rstrip("/") != path}
        yield from (self / name for name in sorted(names))

    def read_bytes(self) -> bytes:
        """Content of a file; FileNotFoundError where there is none."""
        with self._opened() as (files, path):
            return files.cat_file(path)

    def read_text(self, encoding: str = "utf-8") -> str:
        """Content of a text file; FileNotFoundError where there is none."""
        return self.read_bytes().decode(encoding)

    def size(self) -> int:
        """Bytes of a file; FileNotFoundError where there is none."""
        with self._opened() as (files, path):
            return files.info(path)["size"]

    def write_bytes(self, content: bytes) -> None:
        """Writes a file: whoever reads sees all of it or nothing."""
        with self._opened(writing=True) as (files, path):
            files.pipe_file(path, content)

    def unlink(self) -> None:
        """Removes a file; FileNotFoundError where there is none."""
        with self._opened() as (files, path):
            files.rm_file(path)

    def remove_all(self) -> None:
        """Removes all that lies below, if anything does."""
        with self._opened() as (files, path), contextlib.suppress(FileNotFoundError):
            files.rm(path, recursive=True)

    def files_below(self) -> dict[str, str]:
        """All files below, or the file itself: by path below this, what changes when the file does."""
        with self._opened() as (files, path):
            found = files.find(path, detail=True)
            # Of a path that is a file itself not every store's client tells more than the name.
            found = {file: about or files.info(file) for file, about in found.items()}
        return {
            posixpath.relpath(file, path): f"{about['size']} {about.get('ETag') or about.get('mtime')}"
            for file, about in sorted(found.items())
        }

    def upload(self, file: Path) -> None:
        """Copies a local file to here."""
        with self._opened(writing=True) as (files, path):
            files.put_file(str(file), path)

    def download(self, folder: Path) -> None:
        """Copies all files below into a local folder, which is made."""
        for name in self.files_below():
            file = folder / name
            file.parent.mkdir(parents=True, exist_ok=True)
            with (self / name)._opened() as (files, path):
                files.get_file(path, str(file))

    @contextlib.contextmanager
    def _opened(self, *, writing: bool = False) -> Iterator[tuple[Any, str]]:
        """The filesystem and this path in it; what the store says against it becomes one line."""
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
    """Raises a UserError where nothing can be written below a URL."""
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
            raise UserError(f"{url} needs s3fs: pip install 'petseg[s3]'") from None
        # Others write there, too: a listing is never remembered. fsspec keeps one client a process.
        return s3fs.S3FileSystem(use_listings_cache=False)
    if scheme == "gs":
        # TensorFlow's own filesystem would take ten seconds to import where a run only asks for a version.
        from petseg.files.google_files import GoogleFiles

        return GoogleFiles(os.environ.get("STORAGE_EMULATOR_HOST"))
    raise ValueError(f"A store must be one of {', '.join(SCHEMES)}. Received instead: {url}")


def _client_errors(scheme: str) -> tuple[type[Exception], ...]:
    """What a store's client raises beside OSError."""
    if scheme != "s3":
        return ()
    from botocore.exceptions import BotoCoreError

    return (BotoCoreError,)
