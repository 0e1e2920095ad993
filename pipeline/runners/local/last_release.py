"""What release 0.1 left in an output folder, moved to where this release keeps it. Goes with release 0.3."""

from pathlib import Path

from pipeline.paths import Paths


def move_to_work(paths: Paths) -> None:
    """Moves unfinished trainings and known counts out of the folder of the artifacts."""
    for new in (Path(paths.checkpoints), Path(paths.known_counts)):
        old = Path(paths.pipeline_root, new.name)
        if not old.is_dir():
            continue
        new.mkdir(parents=True, exist_ok=True)
        for entry in old.iterdir():
            entry.replace(new / entry.name)
        old.rmdir()
