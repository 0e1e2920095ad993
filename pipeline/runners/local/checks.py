"""What can be found out before a run writes anything, and without importing TFX."""

import tempfile
from collections.abc import Iterator
from pathlib import Path

from components.example_gen.listing import list_pairs
from components.example_gen.looks.misfit import check_masks, with_layout
from components.example_gen.readers import unpacks
from components.example_gen.report import check_listing
from components.example_gen.settings import DataSettings
from components.example_gen.spans import list_spans
from petseg.errors import UserError
from petseg.files.local_folder import check_writable_folder
from petseg.files.object_store import as_path, check_scheme, check_writable, is_url
from petseg.saved_model import MODEL_SETTINGS
from petseg.versions import check_production_model
from pipeline.beam_checks.engine import engine_run, look_up
from pipeline.nodes import check_part
from pipeline.paths import push_directory
from pipeline.runners.devices import check_devices
from pipeline.runners.local.metadata.file import check_metadata_file
from pipeline.runners.local.pinned_files import weights_file
from pipeline.runs.run_log import discard_output
from pipeline.settings import PipelineSettings
from trainer.models.encoders.weights_file import stored_layers

PATTERN_CHARACTERS = "[]*?{}"


def check_before_run(
    settings: PipelineSettings, output: Path, from_node: str | None, to_node: str | None
) -> list[str]:
    """Checks settings, arguments, data and folders.

    Args:
        settings: Of the run.
        output: The output folder; it may be missing.
        from_node: As given on the command line.
        to_node: The same.

    Returns:
        Warnings.

    Raises:
        UserError: A node's name is unknown, `to_node` runs before `from_node`, data, weights or devices are
            missing, the engine's cluster does not answer, a folder cannot be written, the metadata store
            cannot be used, or production's model is not one of this pipeline.
    """
    check_part(from_node, to_node, _absent_nodes(settings))
    _check_inputs(settings)
    _check_output(settings, output)
    _check_metadata(settings, output)
    for key, folder in _written_folders(settings, output):
        if is_url(folder):
            check_scheme(key, folder)
            check_writable(folder)
        else:
            check_writable_folder(key, folder)
    settings.data.require_classes()
    check_data(settings.data)
    check_production_model(settings.push.directory or push_directory(output))
    # Last, because these take seconds.
    warnings = look_up(engine_run(settings, output))
    check_devices(settings.trainer)
    _check_layers(settings)
    return warnings


def _absent_nodes(settings: PipelineSettings) -> dict[str, str]:
    """Nodes that the run does not have, and the setting that would give it each."""
    absent = {} if settings.tuner.enabled else {"Tuner": "tuner.enabled=true"}
    if not settings.export.formats:
        absent["Exporter"] = "export.formats"
    return absent if settings.evaluation.split == "test" else absent | {"Pusher": "evaluation.split=test"}


def _check_inputs(settings: PipelineSettings) -> None:
    if settings.data.path is None:
        raise UserError("data.path is not set; set it with --data DIR")
    check_scheme("data.path", settings.data.path)
    if not as_path(settings.data.path).is_dir():
        raise UserError(f"data.path: there is no folder {settings.data.path}")
    if settings.data.schema_file and not as_path(settings.data.schema_file).exists():
        raise UserError(
            f"data.schema: {settings.data.schema_file} does not exist; null makes a schema from the class "
            "table"
        )
    if isinstance(settings.trainer.warm_start, str):
        _check_warm_start(Path(settings.trainer.warm_start))
    if weights := weights_file(settings):
        stored_layers(weights, settings.model.encoder)
    if settings.data.spans:
        list_spans(as_path(settings.data.path))


def _check_warm_start(folder: Path) -> None:
    if not folder.is_dir():
        raise UserError(f"trainer.warm_start: there is no folder {folder}")
    if not any((folder / file).is_file() for file in (MODEL_SETTINGS, "checkpoint")):
        raise UserError(
            f"trainer.warm_start: {folder} is neither a SavedModel of this pipeline nor a folder with a "
            "checkpoint; set true, false, serving_model/<version> or a folder that holds `checkpoint`"
        )


def _check_layers(settings: PipelineSettings) -> None:
    """Builds the network where the settings name layers of the encoder, which only the network knows."""
    if isinstance(settings.model.freeze_encoder, bool) and settings.model.encoder_taps is None:
        return
    with discard_output():
        from trainer.models import build_model

        build_model(settings.training, load_encoder_weights=False)


def _check_output(settings: PipelineSettings, output: Path) -> None:
    if settings.output and is_url(settings.output):
        raise UserError(
            f"output must be a local folder; received {settings.output}. TensorFlow has no S3 filesystem for "
            "pipeline_root; data.path, push.directory and report.directory may be s3:// or gs://"
        )
    # TFX and Beam take the paths of their files for patterns.
    if any(character in str(output.absolute()) for character in PATTERN_CHARACTERS):
        raise UserError(
            f"output: the path must have none of {' '.join(PATTERN_CHARACTERS)}, which TFX takes for a "
            f"pattern; received {output.absolute()}"
        )


def _check_metadata(settings: PipelineSettings, output: Path) -> None:
    variable = settings.metadata.url_variable
    if not variable:
        check_metadata_file(output / "metadata.db")
        return
    # ML Metadata takes a second to import.
    from pipeline.runners.local.metadata.store import check_can_be_stored, open_server

    open_server(variable)
    check_can_be_stored(settings)


def check_data(data: DataSettings) -> None:
    """Refuses data that the first node would refuse, as far as names and a few masks tell.

    Raises:
        UserError: It says what does not fit, what is there, and what to change.
    """
    if unpacks(data.format):
        return
    with tempfile.TemporaryDirectory() as scratch:
        try:
            listing = list_pairs(data, f"{scratch}/unpacked")
            check_listing(listing, data)
        except UserError as error:
            raise with_layout(error, data) from None
        check_masks(listing, data)


def _written_folders(settings: PipelineSettings, output: Path) -> Iterator[tuple[str, str]]:
    """The folders that a run writes, by setting."""
    yield "output", str(output)
    if settings.push.directory:
        yield "push.directory", settings.push.directory
    if settings.report.directory:
        yield "report.directory", settings.report.directory
