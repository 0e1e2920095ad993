"""The raw examples that an exported file is evaluated on: those of the model's run, or new ones."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from petseg.class_table import ClassTable
from petseg.errors import UserError
from petseg.versions.origin import ORIGIN_FILE, Origin
from pipeline.settings import PipelineSettings, load_settings

EXAMPLE_GEN = "SegmentationExampleGen"


@dataclass(frozen=True)
class Examples:
    """Raw examples, and the settings that they were made with.

    Attributes:
        folder: with a folder for each split.
        settings: of the run that pushed the model; where they are gone, defaults with the model's classes.
    """

    folder: Path
    settings: PipelineSettings

    def files(self, split: str) -> list[str]:
        """TFRecord files of a split.

        Raises:
            UserError: There is none, or a shard is missing.
        """
        # It imports TensorFlow.
        from petseg.shards import shard_files

        files = shard_files([str(self.folder / f"Split-{split}" / "*")])
        if not files:
            raise UserError(f"{self.folder}: it has no split {split}; give photos and masks with --data DIR")
        return files


@contextmanager
def raw_examples(version: Path, classes: ClassTable, data: str | None) -> Iterator[Examples]:
    """Gives the examples of a model while the body runs.

    Args:
        version: Folder of the pushed model; its origin.json says which run pushed it.
        classes: The model's class table.
        data: Photos and masks to read instead; None: the run's examples.

    Raises:
        UserError: The run's examples are gone and no data is given, or the data cannot be read.
    """
    origin = read_origin(version)
    settings = _settings(origin) or PipelineSettings.model_validate(
        {"data": {"classes": classes.model_dump(mode="json"), "format": "auto"}}
    )
    if data is not None:
        with TemporaryDirectory() as scratch:
            yield Examples(_read(settings, data, Path(scratch)), settings)
        return
    if not origin.examples or not Path(origin.examples).is_dir():
        gone = f"{origin.examples} is gone" if origin.examples else f"{ORIGIN_FILE} is missing or names none"
        raise UserError(
            f"--model {version}: the examples that it was evaluated on are not there ({gone}): give photos "
            "and masks with --data DIR"
        )
    yield Examples(Path(origin.examples), settings)


def read_origin(version: Path) -> Origin:
    """The run that pushed a model; empty where nothing says it.

    Raises:
        UserError: The file that says it is damaged.
    """
    file = version / ORIGIN_FILE
    try:
        return Origin.model_validate_json(file.read_text()) if file.exists() else Origin()
    except ValueError as error:
        raise UserError(
            f"{file}: is damaged: {str(error).splitlines()[0]}; remove it and give --data"
        ) from None


def _settings(origin: Origin) -> PipelineSettings | None:
    """The settings of the run that pushed the model; None where they are gone."""
    file = Path(origin.output, "runs", origin.run_id, "settings.yaml")
    return load_settings(file) if origin.output and origin.run_id and file.is_file() else None


def _read(settings: PipelineSettings, data: str, output: Path) -> Path:
    """Reads photos and masks as a run does; returns the folder of the examples."""
    from pipeline.runners.local.run import RunOptions, run_local

    part = PipelineSettings.model_validate(
        {
            **settings.model_dump(mode="json", by_alias=True, include={"data", "beam"}),
            "data": {**settings.data.model_dump(mode="json", by_alias=True), "path": data},
        }
    )
    outcome = run_local(part, output, RunOptions(to_node=EXAMPLE_GEN, progress_on_stderr=True))
    if outcome.status:
        raise UserError(f"--data {data}: {outcome.reason}")
    (examples,) = (output / "pipeline_root" / EXAMPLE_GEN / "examples").iterdir()
    return examples
