"""The Dockerfile against the repository: building needs a Docker daemon, these do not."""

import fnmatch
import re

import pytest

from tests.conftest import PROJECT

DOCKERFILE = (PROJECT / "deploy" / "Dockerfile").read_text()
COPIED = [
    source
    for line in re.findall(r"^COPY (?!--from)(.+)$", DOCKERFILE, re.MULTILINE)
    for source in line.split()[:-1]
]


@pytest.mark.parametrize("source", COPIED)
def test_what_the_image_copies_is_there_and_reaches_the_build(source):
    assert (PROJECT / source).exists()
    patterns = (PROJECT / "deploy" / "Dockerfile.dockerignore").read_text().split("\n")
    assert any(fnmatch.fnmatch(source, pattern[1:]) for pattern in patterns if pattern.startswith("!"))


def test_the_image_holds_every_package_and_does_not_run_as_root():
    packages = {path.parent.name for path in PROJECT.glob("*/__init__.py")} - {"tests", "benchmarks"}
    assert packages <= set(COPIED)
    assert re.findall(r"^USER (\S+)$", DOCKERFILE, re.MULTILINE)[-1] == "10001"
