"""The environment of the run: packages, interpreter, machine and commit."""

import platform
import subprocess
from importlib import metadata
from pathlib import Path

PACKAGES = (
    "tfx",
    "tensorflow",
    "keras",
    "tensorflow-transform",
    "tensorflow-data-validation",
    "tensorflow-model-analysis",
    "apache-beam",
    "ml-metadata",
    "numpy",
    "protobuf",
)


def versions() -> dict[str, str]:
    """Versions of Python and of the packages that may affect results."""
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            found[package] = "not installed"
    return found


def machine() -> str:
    """Operating system and processor architecture."""
    return platform.platform()


def git_commit() -> str | None:
    """The commit of this source, with `-dirty` if files were changed; None outside a checkout."""
    source = Path(__file__).resolve()
    tracked = _git(source.parent, "ls-files", "--error-unmatch", source.name)
    return (
        _git(source.parent, "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*")
        if tracked
        else None
    )


def _git(folder: Path, *arguments: str) -> str | None:
    try:
        process = subprocess.run(
            ["git", "-C", str(folder), *arguments], capture_output=True, text=True, timeout=20, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return process.stdout.strip() if process.returncode == 0 else None
