"""The config that `init` writes: commented, and enough for a first run to a report."""

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from components.example_gen.looks.findings import broken_files, exif_is_told
from components.example_gen.looks.survey import Survey
from petseg.class_colors import distinct_colors
from pipeline.inspection.choices import (
    EPOCHS,
    choose_batch_size,
    choose_eval_percent,
    choose_fit,
    choose_image_size,
    choose_max_bad_fraction,
    constant_prediction,
)

WIDTH = 110
NAMED = 5
PLAIN = re.compile(r"[A-Za-z_./][A-Za-z0-9_./ -]*")


def config_text(survey: Survey, command: str) -> str:
    """The YAML of a config.

    Args:
        survey: What was found, with at least two classes.
        command: The command that runs the config.
    """
    return (
        "\n".join(
            [
                *_head(survey, command),
                *_data(survey),
                *_transform(survey),
                *_model(survey),
                *_evaluation(survey),
            ]
        )
        + "\n"
    )


def _head(survey: Survey, command: str) -> Iterator[str]:
    recognized = survey.recognized
    title = recognized.title if recognized else ""
    yield from _comment(
        f"{len(survey.listing.pairs) if survey.listing else 0:,} pairs in {survey.path}: {title}."
    )
    yield from _comment(*(recognized.grounds if recognized else ()))
    yield "#"
    yield f"#   {command}"
    yield "#"
    yield from _comment(
        "Lines with CHECK say what only you can know. `petseg settings` lists all other settings."
    )
    yield ""


def _data(survey: Survey) -> Iterator[str]:
    yield "data:"
    yield f"  path: {scalar(survey.path)}"
    for key, value in survey.settings.items():
        if key == "crowds":
            yield from _comment(
                "CHECK: annotations with iscrowd: 1 are labels, as CVAT writes brushed masks. Write `ignored`"
                " if they are groups that were not told apart, as in COCO.",
                indent=2,
            )
        yield f"  {key}: {scalar(value)}"
    yield from _classes(survey)
    for key, value in survey.table.settings.items():
        yield f"  {key}: {scalar(value)}"
    yield from _exif(survey)
    yield from _splits(survey)
    bad = choose_max_bad_fraction(survey)
    if bad:
        named = [f"{file}: {reason}" for file, reason in broken_files(survey)]
        more = [f"and {len(named) - NAMED} more"] * (len(named) > NAMED)
        yield from _comment(f"CHECK: {bad.reason}; repair or delete them.", *named[:NAMED], *more, indent=2)
        yield f"  max_bad_fraction: {bad.value}"


def _classes(survey: Survey) -> Iterator[str]:
    table = survey.table
    unnamed = [entry.name for entry in table.classes if not entry.is_named]
    if unnamed:
        yield from _comment(
            f"CHECK: name your classes. The data does not say what {_some(unnamed)} {_are(unnamed)}.",
            indent=2,
        )
    for remark in table.remarks:
        yield from _comment(f"CHECK: {remark}", indent=2)
    if survey.opened.is_sample:
        yield from _comment(
            f"CHECK: {len(survey.opened.pairs):,} of {survey.opened.of:,} pairs were opened. A mask with"
            " another value is broken data; `init --sample N` opens more.",
            indent=2,
        )
    yield "  classes:"
    yield "    classes:"
    colors = distinct_colors(len(table.classes))
    rows = []
    for entry, color in zip(table.classes, colors, strict=True):
        fields = {"value": entry.value, "name": entry.name}
        fields |= {} if entry.source is None else {"source": entry.source}
        fields["color"] = color
        text = "{" + ", ".join(f"{key}: {scalar(value)}" for key, value in fields.items()) + "}"
        rows.append((f"      - {text}", f"# {entry.share:.1%} of the pixels, {entry.masks:,} masks"))
    longest = max(len(row) for row, _ in rows)
    yield from (f"{row:{longest}}  {remark}" for row, remark in rows)
    if table.ignored:
        ignored: Any = table.ignored[0] if len(table.ignored) == 1 else list(table.ignored)
        yield f"    ignored_value: {scalar(ignored)}"


def _exif(survey: Survey) -> Iterator[str]:
    turned = [pair for pair in survey.opened.good if pair.photo and pair.photo.orientation != 1]
    if turned and not exif_is_told(turned):
        yield from _comment(
            f"CHECK: EXIF turns {len(turned)} photos, and sizes do not tell whether their masks lie as the"
            " photos are stored (true) or as viewers show them (false). `inspect --report FILE` shows them.",
            indent=2,
        )
        yield "  masks_follow_exif: false"


def _splits(survey: Survey) -> Iterator[str]:
    percent = choose_eval_percent(survey)
    if percent:
        lists = " `init --write-splits` writes balanced lists instead." if _can_have_lists(survey) else ""
        yield from _comment(f"{percent.reason}.{lists}", indent=2)
        yield f"  eval_percent: {percent.value}"


def _can_have_lists(survey: Survey) -> bool:
    return bool(survey.settings["format"] == "folder")


def _transform(survey: Survey) -> Iterator[str]:
    fit = choose_fit(survey)
    if fit:
        yield "transform:"
        yield from _comment(f"{fit.reason}.", indent=2)
        yield from (f"  {name}: {scalar(value)}" for name, value in fit.value.items())


def _model(survey: Survey) -> Iterator[str]:
    size = choose_image_size(survey)
    yield "model:"
    yield from _comment(f"{size.reason[:1].upper()}{size.reason[1:]}. Larger is finer and slower.", indent=2)
    yield f"  image_size: {size.value}"
    yield from _comment(
        "imagenet: starts from weights that Keras downloads once, better with few photos; null needs no"
        " network.",
        indent=2,
    )
    yield "  encoder_weights: null"
    yield "trainer:"
    yield from _comment(
        "More epochs train better and longer; the learning rate falls to zero over them.", indent=2
    )
    yield f"  epochs: {EPOCHS}"
    batch = choose_batch_size(survey)
    if batch:
        yield f"  batch_size: {batch.value}   # {batch.reason}"


def _evaluation(survey: Survey) -> Iterator[str]:
    name, score = constant_prediction(survey)
    yield "evaluation:"
    yield from _comment(
        "CHECK: the mean IoU that a model must reach to be pushed. 0 lets any first model through; the"
        f" default, 0.60, refuses most first models of new data. Predicting {name} everywhere reaches"
        f" {score:.2f}. Set it when you have seen the first report.",
        indent=2,
    )
    yield "  floor: 0"


def scalar(value: Any) -> str:
    """A value as YAML on one line, also inside braces and brackets."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(scalar, value))}]"
    if isinstance(value, str) and PLAIN.fullmatch(value) and yaml.safe_load(value) == value:
        return value
    # JSON is YAML, but for escapes of half characters, which no text has.
    return json.dumps(value, ensure_ascii=False)


def _comment(*paragraphs: str, indent: int = 0) -> Iterator[str]:
    start = " " * indent + "# "
    for paragraph in paragraphs:
        line = start.rstrip()
        for word in paragraph.split():
            if len(line) + 1 + len(word) > WIDTH and line != start.rstrip():
                yield line
                line = start.rstrip()
            line += f" {word}"
        yield line


def _some(names: list[str]) -> str:
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")


def _are(names: list[str]) -> str:
    return "is" if len(names) == 1 else "are"
