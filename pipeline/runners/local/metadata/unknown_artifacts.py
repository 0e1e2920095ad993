"""Artifacts on the disk that ML Metadata does not know: of a store that was removed, emptied or exchanged."""

from collections.abc import Iterator
from pathlib import Path

from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from petseg.errors import UserError


def check_all_known(store: MetadataStore, pipeline_root: Path, location: str) -> None:
    """Refuses a run whose executions would get the numbers, and so the folders, of unknown older ones.

    Args:
        store: ML Metadata.
        pipeline_root: `NODE/OUTPUT/EXECUTION` folders of artifacts; it may be missing.
        location: What the store is called in the error.

    Raises:
        UserError: The newest artifact of an output is not in the store.
    """
    for newest_first in _outputs(pipeline_root):
        for folder in newest_first:
            state = state_of_maker(store, folder)
            if state is None:
                raise UserError(
                    f"{pipeline_root} holds artifacts that {location} does not know, such as "
                    f"{folder.relative_to(pipeline_root)}, and a run would mix them with its own; put the "
                    "metadata that belongs to them back, or begin anew and keep them: "
                    f"mv {pipeline_root} {_free_name(pipeline_root)}"
                )
            # What a killed node left is in no artifact; the one before it tells.
            if state in (mlmd.Execution.COMPLETE, mlmd.Execution.CACHED):
                break


def _outputs(pipeline_root: Path) -> Iterator[list[Path]]:
    """Folders of each output of each node, newest execution first."""
    for output in (path for path in pipeline_root.glob("*/[!.]*") if path.is_dir()):
        numbered = [folder for folder in output.iterdir() if folder.name.isdecimal() and folder.is_dir()]
        yield sorted(numbered, key=lambda folder: int(folder.name), reverse=True)


def state_of_maker(store: MetadataStore, folder: Path) -> "mlmd.Execution.State | None":
    """State of the execution that made a folder; None if the store has another one under that number.

    The end of the path must fit, not all of it: an output folder may be moved or copied.
    """
    number, tail = int(folder.name), folder.parts[-3:]
    executions = store.get_executions_by_id([number])
    if not executions:
        return None
    contexts = store.get_contexts_by_execution(number)
    if not any(context.type == "node" and context.name.endswith(f".{tail[0]}") for context in contexts):
        return None
    state = executions[0].last_known_state
    if state in (mlmd.Execution.COMPLETE, mlmd.Execution.CACHED):
        events = store.get_events_by_execution_ids([number])
        artifacts = store.get_artifacts_by_id([event.artifact_id for event in events])
        if not any(Path(artifact.uri).parts[-3:] == tail for artifact in artifacts):
            return None
    return state


def _free_name(path: Path) -> Path:
    names = (path.with_name(f"{path.name}.old{number or ''}") for number in range(1000))
    return next(name for name in names if not name.exists())
