"""Hashes of source code: TFX' cache keys do not cover it."""

import hashlib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def source_hash(*places: str) -> str:
    """Returns a hex digest of the Python files and templates in the given files and folders.

    Args:
        places: Paths relative to the project's root.
    """
    digest = hashlib.sha256()
    for place in places:
        path = ROOT / place
        files = [path] if path.is_file() else sorted(path.rglob("*.py")) + sorted(path.rglob("*.jinja"))
        for file in files:
            digest.update(file.relative_to(ROOT).as_posix().encode())
            digest.update(file.read_bytes())
    return digest.hexdigest()
