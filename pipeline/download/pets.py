"""Downloads the Oxford-IIIT Pet data set: resumes, verifies checksums and unpacks atomically."""

import hashlib
import json
import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import requests
import urllib3
from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)
from tenacity import RetryCallState, Retrying, retry_if_exception_type, wait_exponential

from petseg.errors import UserError
from pipeline.download.unpacking import UnpackError, unpack

OFFICIAL_URL = "https://thor.robots.ox.ac.uk/~vgg/data/pets"
MARKER = ".fetched.json"
WORK_FOLDER = ".download"
CHUNK = 1 << 20
CONNECT_AND_READ_SECONDS = (15, 60)
# A large file over a bad connection may be cut often; only attempts that receive nothing count.
FRUITLESS_ATTEMPTS = 5


class FetchError(UserError, ValueError):
    """The data set cannot be downloaded."""


class _Interrupted(Exception):
    """The transfer stopped early; another attempt may succeed."""


@dataclass(frozen=True)
class Archive:
    """One archive of a data set.

    Attributes:
        name: File name below the base URL.
        size: Bytes.
        sha256: Hex digest of the whole file.
        folder: The only folder in the archive.
    """

    name: str
    size: int
    sha256: str
    folder: str


# Sizes and checksums as tensorflow-datasets records them for oxford_iiit_pet 4.0.0.
OFFICIAL_ARCHIVES = (
    Archive(
        "annotations.tar.gz",
        19173078,
        "52425fb6de5c424942b7626b428656fcbd798db970a937df61750c0f1d358e91",
        "annotations",
    ),
    Archive(
        "images.tar.gz",
        791918971,
        "67195c5e1c01f1ab5f9b6a5d22b8c27a580d896ece458917e61d459337fa318d",
        "images",
    ),
)


def fetch(
    output: Path,
    base_url: str = OFFICIAL_URL,
    archives: Iterable[Archive] = OFFICIAL_ARCHIVES,
    longest_wait: float = 30.0,
) -> None:
    """Downloads the archives and unpacks them to `output/images` and `output/annotations`.

    A download that was cut resumes where it stopped, in this call or in the next. Each folder appears whole
    or not at all. If everything is there already, nothing is done.

    Args:
        output: Folder of the data set; missing, empty, or left by an earlier fetch.
        base_url: URL of the archives' folder.
        archives: What to download.
        longest_wait: Maximum seconds between two attempts.

    Raises:
        FetchError: The server has no such file or cannot be reached, a checksum is wrong, an archive
            has unexpected content, or `output` has other content.
    """
    output, archives = Path(output), tuple(archives)
    finished = _finished(output)
    _check_output(output, archives)
    missing = [a for a in archives if finished.get(a.name) != a.sha256 or not (output / a.folder).is_dir()]
    if missing:
        work = output / WORK_FOLDER
        work.mkdir(parents=True, exist_ok=True)
        with _progress() as progress:
            for archive in missing:
                url = f"{base_url.rstrip('/')}/{archive.name}"
                file = Download(url, archive, work / f"{archive.name}.part", progress).run(longest_wait)
                progress.console.print(f"unpacking {archive.name}")
                _unpack(file, archive, output)
                finished[archive.name] = archive.sha256
                _write_marker(output, finished)
                file.unlink()
    shutil.rmtree(output / WORK_FOLDER, ignore_errors=True)


class Download:
    """Downloads one archive into a part file, until it is complete and its checksum is right."""

    def __init__(self, url: str, archive: Archive, part: Path, progress: Progress):
        self.url = url
        self.archive = archive
        self.part = part
        self.progress = progress
        self.task = progress.add_task(archive.name, total=archive.size)
        self.fruitless = 0

    def run(self, longest_wait: float) -> Path:
        """Downloads what is missing and checks it; returns the whole file.

        Raises:
            FetchError: Several attempts failed, the server refused, or the checksum is wrong.
        """
        attempts = Retrying(
            retry=retry_if_exception_type(_Interrupted),
            wait=wait_exponential(multiplier=0.5, max=longest_wait),
            stop=self._hopeless,
            reraise=True,
        )
        try:
            attempts(self._attempt)
        except _Interrupted as error:
            raise FetchError(
                f"{self.url}: {error}; {self._have()} of {self.archive.size} bytes are kept, "
                "run fetch again to resume"
            ) from error
        self._check()
        return self.part

    def _have(self) -> int:
        return self.part.stat().st_size if self.part.exists() else 0

    def _hopeless(self, state: RetryCallState) -> bool:
        return self.fruitless >= FRUITLESS_ATTEMPTS

    def _attempt(self) -> None:
        before = self._have()
        if before > self.archive.size:
            self.part.unlink()
            before = 0
        self.progress.update(self.task, completed=before)
        if before == self.archive.size:
            return
        try:
            self._transfer(before)
        except (requests.RequestException, urllib3.exceptions.HTTPError) as error:
            self._count(before)
            raise _Interrupted(_reason(error)) from error
        if self._have() < self.archive.size:
            self._count(before)
            raise _Interrupted("the server ended the transfer early")

    def _count(self, before: int) -> None:
        """Counts consecutive attempts that received nothing."""
        self.fruitless = 0 if self._have() > before else self.fruitless + 1

    def _transfer(self, start: int) -> None:
        headers = {"Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        with requests.get(
            self.url, headers=headers, stream=True, timeout=CONNECT_AND_READ_SECONDS
        ) as response:
            resumed = response.status_code == requests.codes.partial_content
            if response.status_code == requests.codes.requested_range_not_satisfiable:
                self.part.unlink()
                raise requests.RequestException("the file on the server is shorter than the kept part")
            if response.status_code >= 500:
                raise requests.RequestException(
                    f"the server responds with {response.status_code} {response.reason}"
                )
            if response.status_code >= 400:
                raise FetchError(
                    f"{self.url}: the server responds with {response.status_code} {response.reason}; "
                    "check the URL, or download the archives by other means"
                )
            # A server that does not support range requests sends the whole file again.
            with open(self.part, "ab" if resumed else "wb") as file:
                self.progress.update(self.task, completed=start if resumed else 0)
                self._copy(response, file)

    def _copy(self, response: requests.Response, file: IO[bytes]) -> None:
        # Since urllib3 2, `read` waits for a whole chunk and loses what arrived before a cut.
        read = getattr(response.raw, "read1", response.raw.read)
        while chunk := read(CHUNK):
            file.write(chunk)
            self.progress.advance(self.task, len(chunk))
            if file.tell() > self.archive.size:
                break

    def _check(self) -> None:
        digest = hashlib.sha256()
        with open(self.part, "rb") as file:
            while chunk := file.read(CHUNK):
                digest.update(chunk)
        if digest.hexdigest() != self.archive.sha256:
            self.part.unlink()
            raise FetchError(
                f"{self.url}: sha256 must be {self.archive.sha256}; received {digest.hexdigest()}; "
                "the file was removed: run fetch again"
            )


def _unpack(file: Path, archive: Archive, output: Path) -> None:
    """Moves the archive's folder into `output`, in place of what an earlier attempt left."""
    building = output / WORK_FOLDER / f"{archive.name}.unpacked"
    shutil.rmtree(building, ignore_errors=True)
    building.mkdir()
    try:
        unpack(file, archive.folder, building)
    except UnpackError as error:
        raise FetchError(f"{archive.name} {error}") from error
    target = output / archive.folder
    if target.exists():
        shutil.rmtree(target)
    os.replace(building / archive.folder, target)
    shutil.rmtree(building)


def _finished(output: Path) -> dict[str, str]:
    """Names and checksums of the archives that are unpacked in `output`."""
    try:
        return dict(json.loads((output / MARKER).read_text(encoding="ascii")))
    except (OSError, ValueError):
        return {}


def _write_marker(output: Path, finished: dict[str, str]) -> None:
    draft = output / WORK_FOLDER / MARKER
    draft.write_text(json.dumps(finished, indent=1, sort_keys=True) + "\n", encoding="ascii")
    os.replace(draft, output / MARKER)


def _check_output(output: Path, archives: tuple[Archive, ...]) -> None:
    """Refuses a folder with content that fetch did not create."""
    if output.exists() and not output.is_dir():
        raise FetchError(f"{output} must be a folder; it is a file")
    if (output / MARKER).exists() or (output / WORK_FOLDER).exists():
        return
    foreign = [archive.folder for archive in archives if (output / archive.folder).exists()]
    if foreign:
        raise FetchError(
            f"{output} has a folder {foreign[0]}/ that fetch did not create; choose another folder, or "
            "move it away"
        )


def _progress() -> Progress:
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )


def _reason(error: requests.RequestException | urllib3.exceptions.HTTPError) -> str:
    """The error in one line, without the object addresses of urllib3's messages."""
    if isinstance(error, requests.Timeout | urllib3.exceptions.TimeoutError):
        return "the server did not respond in time"
    if isinstance(error, urllib3.exceptions.ProtocolError):
        return "the connection was cut"
    if isinstance(error, requests.ConnectionError):
        return "the server cannot be reached"
    return " ".join(str(error).split())
