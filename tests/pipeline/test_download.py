"""Fetching against a real server on this machine, with its faults."""

import hashlib
import io
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

import pytest

from pipeline.download.pets import FRUITLESS_ATTEMPTS, OFFICIAL_ARCHIVES, Archive, FetchError, fetch

PHOTO = bytes(range(256)) * 4000
LIST = b"Abyssinian_1 1 1 1\n"


def tar_of(files: dict[str, bytes], extra: list[tarfile.TarInfo] | None = None) -> bytes:
    """A gzipped tar whose content hardly compresses, so that it can be cut in the middle."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=0) as tar:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
        for member in extra or []:
            tar.addfile(member)
    return buffer.getvalue()


def archive_of(name: str, content: bytes) -> Archive:
    return Archive(name, len(content), hashlib.sha256(content).hexdigest(), name.split(".")[0])


class Server(ThreadingHTTPServer):
    """Serves `files`; `cuts` says after how many bytes the next answers break off."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.files: dict[str, bytes] = {}
        self.ranges = True
        self.cuts: list[int] = []
        self.failures: list[int] = []
        self.requests: list[tuple[str, str | None]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/pets/"


class Handler(BaseHTTPRequestHandler):
    server: Server

    def do_GET(self):
        name, wanted = self.path.rsplit("/", 1)[-1], self.headers["Range"]
        self.server.requests.append((name, wanted))
        if self.server.failures:
            self.send_error(self.server.failures.pop(0))
            return
        if name not in self.server.files:
            self.send_error(404)
            return
        content, start = self.server.files[name], 0
        if wanted and self.server.ranges:
            start = int(wanted.removeprefix("bytes=").rstrip("-"))
            if start >= len(content):
                self.send_error(416)
                return
            self.send_response(206)
            self.send_header("Content-Range", f"bytes {start}-{len(content) - 1}/{len(content)}")
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        length = self.server.cuts.pop(0) if self.server.cuts else len(content)
        self.wfile.write(content[start : start + length])

    def log_message(self, *args):
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    server = Server()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def archives(server: Server) -> tuple[Archive, ...]:
    server.files = {
        "annotations.tar.gz": tar_of({"annotations/list.txt": LIST, "annotations/trimaps/._a.png": b"fork"}),
        "images.tar.gz": tar_of({"./images/a.jpg": PHOTO, "images/b.jpg": PHOTO[::-1]}),
    }
    return tuple(archive_of(name, content) for name, content in server.files.items())


def get(server: Server, output: Path, archives: tuple[Archive, ...]) -> None:
    fetch(output, server.url, archives, longest_wait=0.01)


def assert_complete(output: Path) -> None:
    assert (output / "images/a.jpg").read_bytes() == PHOTO
    assert (output / "images/b.jpg").read_bytes() == PHOTO[::-1]
    assert (output / "annotations/list.txt").read_bytes() == LIST
    assert sorted(path.name for path in output.iterdir()) == [".fetched.json", "annotations", "images"]


def test_unpacks_to_the_official_layout_without_resource_forks(server, archives, tmp_path):
    get(server, tmp_path / "deep/pets", archives)
    assert_complete(tmp_path / "deep/pets")
    assert not list(tmp_path.rglob("._*"))


def test_second_call_asks_the_server_nothing(server, archives, tmp_path):
    get(server, tmp_path, archives)
    server.requests.clear()
    get(server, tmp_path, archives)
    assert server.requests == []
    assert_complete(tmp_path)


def test_cut_connections_are_resumed_where_they_broke(server, archives, tmp_path):
    annotations = archives[0].size
    server.cuts = [annotations, 700_000, 300_000]
    get(server, tmp_path, archives)
    assert_complete(tmp_path)
    assert [wanted for name, wanted in server.requests if name == "images.tar.gz"] == [
        None,
        "bytes=700000-",
        "bytes=1000000-",
    ]


def test_many_cuts_are_no_failure_while_each_attempt_brings_something(server, archives, tmp_path):
    server.cuts = [archives[0].size] + [100_000] * (3 * FRUITLESS_ATTEMPTS)
    get(server, tmp_path, archives)
    assert_complete(tmp_path)


def test_next_call_resumes_what_a_failed_one_kept(server, archives, tmp_path):
    server.cuts = [archives[0].size, 900_000] + [0] * FRUITLESS_ATTEMPTS
    with pytest.raises(FetchError, match=r"images\.tar\.gz: .*900000 of \d+ bytes are kept, run fetch again"):
        get(server, tmp_path, archives)
    assert not (tmp_path / "images").exists()
    server.requests.clear()
    get(server, tmp_path, archives)
    assert server.requests == [("images.tar.gz", "bytes=900000-")]
    assert_complete(tmp_path)


def test_server_without_ranges_starts_again(server, archives, tmp_path):
    server.ranges = False
    server.cuts = [archives[0].size, 700_000]
    get(server, tmp_path, archives)
    assert_complete(tmp_path)


def test_server_errors_are_tried_again(server, archives, tmp_path):
    server.failures = [503, 500]
    get(server, tmp_path, archives)
    assert_complete(tmp_path)


def test_wrong_checksum_removes_the_file_and_says_so(server, archives, tmp_path):
    right = server.files["images.tar.gz"]
    server.files["images.tar.gz"] = right[:-50] + b"x" * 50
    with pytest.raises(FetchError, match=r"images\.tar\.gz: sha256 must be .* run fetch again") as error:
        get(server, tmp_path, archives)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "images").exists()
    assert not list(tmp_path.rglob("images.tar.gz*"))
    server.files["images.tar.gz"] = right
    get(server, tmp_path, archives)
    assert_complete(tmp_path)


def test_file_longer_than_expected_is_refused(server, archives, tmp_path):
    server.files["images.tar.gz"] += b"more" * 1000
    with pytest.raises(FetchError, match="sha256"):
        get(server, tmp_path, archives)


def test_missing_file_is_refused_at_once(server, archives, tmp_path):
    del server.files["annotations.tar.gz"]
    with pytest.raises(FetchError, match=r"annotations\.tar\.gz: the server responds with 404"):
        get(server, tmp_path, archives)
    assert len(server.requests) == 1


def test_unreachable_server_is_one_line(server, archives, tmp_path):
    server.server_close()
    with pytest.raises(FetchError, match="cannot be reached; 0 of") as error:
        get(server, tmp_path, archives)
    assert "\n" not in str(error.value)


def link(name: str, target: str, kind: bytes = tarfile.SYMTYPE) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.type, member.linkname = kind, target
    return member


@pytest.mark.parametrize(
    ("files", "extra"),
    [
        ({"../outside.txt": b"x"}, []),
        ({"images/../../outside.txt": b"x"}, []),
        ({"/tmp/outside.txt": b"x"}, []),
        ({"elsewhere/a.jpg": b"x"}, []),
        ({}, [link("images/a.jpg", "/etc/passwd")]),
        ({}, [link("images/a.jpg", "images/b.jpg", tarfile.LNKTYPE)]),
        ({}, [link("images/a.jpg", "", tarfile.FIFOTYPE)]),
    ],
    ids=["parent", "hidden-parent", "absolute", "other-folder", "symbolic-link", "hard-link", "fifo"],
)
def test_malicious_archive_leaves_nothing(server, tmp_path, files, extra):
    content = tar_of({"images/good.jpg": PHOTO, **files}, extra)
    server.files = {"images.tar.gz": content}
    with pytest.raises(FetchError, match="must contain only regular files below images/"):
        get(server, tmp_path / "pets", (archive_of("images.tar.gz", content),))
    assert not (tmp_path / "pets/images").exists()
    assert not list(tmp_path.rglob("outside.txt"))


def test_no_tar_at_all(server, tmp_path):
    server.files = {"images.tar.gz": b"<html>moved</html>"}
    with pytest.raises(FetchError, match=r"images\.tar\.gz cannot be unpacked"):
        get(server, tmp_path, (archive_of("images.tar.gz", server.files["images.tar.gz"]),))


def test_folder_of_somebody_else_is_not_touched(server, archives, tmp_path):
    (tmp_path / "images").mkdir()
    with pytest.raises(FetchError, match="has a folder images/ that fetch did not create"):
        get(server, tmp_path, archives)
    assert server.requests == []


def test_official_archives_are_those_of_tensorflow_datasets():
    tfds = find_spec("tensorflow_datasets")
    folder = Path(tfds.submodule_search_locations[0]) / "datasets/oxford_iiit_pet"
    recorded = {}
    for line in (folder / "checksums.tsv").read_text().splitlines():
        url, size, sha256, _ = line.split("\t")
        recorded[url.rsplit("/", 1)[1]] = (int(size), sha256)
    assert {archive.name: (archive.size, archive.sha256) for archive in OFFICIAL_ARCHIVES} == recorded
