"""What `inspect` found as plain values: the content of `--json`, of the terminal and of the page."""

from collections import Counter
from typing import Any

import numpy as np

from components.example_gen.looks.classes import as_hex
from components.example_gen.looks.dataset import Opened
from components.example_gen.looks.findings import Finding, broken_files, find, splits
from components.example_gen.looks.survey import Survey
from pipeline.inspection.expectation import expect_of_run


def summarize(survey: Survey) -> dict[str, Any]:
    """Everything that was found, ready for JSON."""
    recognized = survey.recognized
    findings = find(survey)
    return {
        "data": survey.path,
        "format": recognized.format if recognized else None,
        "title": recognized.title if recognized else "not recognized",
        "grounds": list(recognized.grounds) if recognized else [],
        "files": len(survey.tree.files),
        "images": len(survey.tree.images),
        "pairs": len(survey.listing.pairs) if survey.listing else None,
        "opened": len(survey.opened.pairs),
        "is_sample": survey.opened.is_sample,
        "photos": _photos(survey.opened),
        "masks": _masks(survey.opened),
        "values": _values(survey),
        "label_map": recognized.label_map.file if recognized and recognized.label_map else None,
        "splits": splits(survey) if survey.listing else None,
        "broken": [{"file": file, "reason": reason} for file, reason in broken_files(survey)],
        "findings": [_finding(finding) for finding in findings],
        "settings": {**survey.settings, **survey.table.settings, "classes": survey.table.to_settings()}
        if survey.table.classes
        else survey.settings,
        "remarks": [*survey.table.remarks, *([survey.table.problem] if survey.table.problem else [])],
        "run": expect_of_run(survey),
    }


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "kind": finding.kind,
        "text": finding.text,
        "files": list(finding.files),
        "serious": finding.is_serious,
    }


def _photos(opened: Opened) -> dict[str, Any] | None:
    photos = [pair.photo for pair in opened.pairs if pair.photo]
    if not photos:
        return None
    sides = np.array([(photo.width, photo.height) for photo in photos])
    return {
        "formats": _counted(photo.format for photo in photos),
        "modes": _counted(photo.mode for photo in photos),
        "bits": _counted(photo.bits for photo in photos),
        "exif_turned": sum(photo.orientation != 1 for photo in photos),
        "width": _range(sides[:, 0]),
        "height": _range(sides[:, 1]),
        "sizes": _counted(f"{photo.width} x {photo.height}" for photo in photos),
    }


def _masks(opened: Opened) -> dict[str, Any] | None:
    masks = [pair.mask for pair in opened.good if pair.mask]
    if not masks:
        return None
    return {
        "formats": _counted(mask.format for mask in masks if mask.format),
        "modes": _counted(mask.mode for mask in masks if mask.mode),
        "bits": _counted(mask.bits for mask in masks),
        "kinds": _counted(mask.kind for mask in masks),
    }


MOST_VALUES = 300
"""Values in the summary; masks with more are no class masks."""


def _values(survey: Survey) -> list[dict[str, Any]]:
    """All mask values, or colors, with shares and names."""
    opened, label_map = survey.opened, survey.recognized.label_map if survey.recognized else None
    pixels, having = opened.value_pixels(), opened.value_masks()
    is_color = any(pair.mask and pair.mask.kind == "color" for pair in opened.good)
    names = {
        entry.value if entry.source is None else entry.source: entry.name for entry in survey.table.classes
    }
    threshold = survey.table.settings.get("mask_threshold")
    if threshold is not None:
        low, high = (entry.name for entry in survey.table.classes)
        names = {value: high if value >= threshold else low for value in pixels}
    found = []
    for value, count in sorted(pixels.items())[:MOST_VALUES]:
        shown = as_hex(value) if is_color else value
        named = label_map.name(value, is_color) if label_map else None
        found.append(
            {
                "value": shown,
                "name": named or names.get(shown),
                "share": count / pixels.total(),
                "masks": having[value],
            }
        )
    return found


def _counted(items: Any) -> dict[str, int]:
    """Counts, the most frequent first."""
    return {str(item): count for item, count in Counter(items).most_common()}


def _range(values: np.ndarray) -> dict[str, int]:
    return {"min": int(values.min()), "median": int(np.median(values)), "max": int(values.max())}
