"""Writes the config of a data set, and lists of its splits if asked for."""

import shlex
from collections.abc import Iterator
from pathlib import Path

import yaml

from components.example_gen.looks.findings import broken_files, count, splits
from components.example_gen.looks.survey import Survey
from petseg.errors import UserError
from petseg.files.atomic import write_atomic
from pipeline.inspection.config_text import config_text
from pipeline.inspection.expectation import bad_fraction
from pipeline.inspection.look import look
from pipeline.inspection.split_lists import write_split_lists
from pipeline.settings import PipelineSettings

ALL = 10**9
MOST_BROKEN = 0.5
"""Share of broken pairs above which no config helps."""


def write_config(
    program: str,
    data: str,
    output: Path,
    sample: int | None,
    *,
    write_splits: bool = False,
    force: bool = False,
) -> Iterator[str]:
    """Looks at a folder and writes a config for it.

    Args:
        program: How the command line was called.
        data: The folder or URL.
        output: The config.
        sample: How many pairs to open at most; None: a sample of a large data set.
        write_splits: Whether to write balanced lists, for which all pairs are opened.
        force: Whether a config that exists is replaced.

    Yields:
        Lines for the person who called.

    Raises:
        UserError: The config exists, nothing is recognized, or the masks are no class masks.
    """
    if output.exists() and not force:
        raise UserError(f"--output: {output} exists; give another file, or --force to replace it")
    found = look(data, ALL if write_splits else sample)
    _require_usable(found, program, data)
    if write_splits:
        yield write_split_lists(found)
        found = look(data, sample)
    text = config_text(found, f"{program} run --config {shlex.quote(str(output))}")
    # A config that `settings` refuses would be a bug here, and better found now than by its reader.
    PipelineSettings.model_validate(yaml.safe_load(text))
    output.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(str(output), text)
    yield f"wrote    {output}: {_what(found)}"
    questions = text.count("CHECK:")
    if questions:
        yield f"check    {questions} {'line' if questions == 1 else 'lines'} marked CHECK in it"


def _require_usable(found: Survey, program: str, data: str) -> None:
    hint = f"`{program} inspect --data {shlex.quote(data)}` shows what is there"
    if found.recognized is None:
        raise UserError(
            f"--data: no photos with masks are recognized in {data}, which has {len(found.tree.files):,}"
            f" files, {len(found.tree.images):,} of them images; docs/guides/own-data.md lists the formats"
        )
    if found.problem:
        raise UserError(f"{found.problem}; {hint}")
    if bad_fraction(found) > MOST_BROKEN:
        file, reason = broken_files(found)[0]
        raise UserError(
            f"--data: {bad_fraction(found):.0%} of the pairs cannot be used, such as {file}: {reason}; {hint}"
        )
    if found.table.problem:
        raise UserError(f"--data: {found.table.problem}; {hint}")


def _what(found: Survey) -> str:
    counts = ", ".join(f"{count:,} {split}" for split, count in splits(found).items())
    broken = broken_files(found)
    return f"{len(found.table.classes)} classes, {counts}" + (
        f"; {count(broken, 'broken file')}" if broken else ""
    )
