"""Turns a layout that was found into the settings `data.photos` and `data.masks`."""

import posixpath
from collections.abc import Iterable, Sequence

from components.example_gen.looks.recognition.names import SPLIT_NAMES
from components.example_gen.looks.recognition.pairing import Pairing, Relation
from components.example_gen.looks.tree import ending, stem
from petseg.files.image_file import PHOTO_FORMATS

ANY_ENDING = ".*"


def pattern_settings(pairing: Pairing) -> dict[str, str] | None:
    """The settings `photos` and `masks` of a layout, empty for the usual one; None if no pattern says it."""
    if _is_usual(pairing):
        return {}
    folders = [posixpath.dirname(path) for path in pairing.pairs]
    if len({_depth(folder) for folder in folders}) > 1:
        return _of_mixed_depths(pairing, folders)
    parts = _words(folders)
    # With affixes of its own, a photo's name is not the part that its mask's name has, too.
    part, same_part = ("{id}", "{id}") if len(pairing.photo) else ("*", "{stem}")
    if all(pairing.photo.core(stem(path)) == "" for path in pairing.pairs):
        part = same_part = ""
    photo = pairing.photo.around(part) + _ending(pairing.pairs, any_ending="" if part == "*" else ANY_ENDING)
    mask = pairing.mask.around(same_part) + _ending(pairing.pairs.values())
    return {
        "photos": "/".join((*parts, photo)),
        "masks": "/".join((*_mask_parts(pairing.relation, parts), mask)),
    }


def _is_usual(pairing: Pairing) -> bool:
    """Whether the reader needs no patterns: images/ and masks/, alone or in a folder of each split."""
    relation = pairing.relation
    if (relation.kind, relation.photo, relation.mask) != ("swap", "images", "masks"):
        return False
    if len(pairing.photo) or len(pairing.mask) or any(map(_is_jpeg, pairing.pairs.values())):
        return False
    parts = [path.split("/") for path in pairing.pairs]
    return relation.depth == 0 or (relation.depth == 1 and all(of[0].lower() in SPLIT_NAMES for of in parts))


def _is_jpeg(path: str) -> bool:
    return ending(path) in PHOTO_FORMATS["JPEG"]


def _of_mixed_depths(pairing: Pairing, folders: Sequence[str]) -> dict[str, str] | None:
    """Patterns for photos in folders and in folders below these."""
    top = posixpath.commonpath(folders) if all(folders) else ""
    relation = pairing.relation
    if len(pairing.photo):
        return None
    file = pairing.mask.around("{stem}") + _ending(pairing.pairs.values())
    photos = f"{top}/**" if top else "**"
    if relation.kind in ("same", "inner"):
        return {"photos": photos, "masks": "/".join(("{dir}", *_mask_parts(relation, ()), file))}
    if relation.kind == "swap" and relation.depth <= _depth(top) - 1 and not pairing.mask.prefix:
        masks = "/".join(_mask_parts(relation, top.split("/")))
        return {"photos": photos, "masks": f"{masks}/{file.replace('{stem}', '{name}')}"}
    return None


def _mask_parts(relation: Relation, parts: Sequence[str]) -> tuple[str, ...]:
    """The folders of a mask, from those of its photo."""
    if relation.kind == "inner":
        return (*parts, relation.mask)
    if relation.kind == "same":
        return tuple(parts)
    swapped = (
        relation.mask if relation.kind == "swap" else relation.mask.replace("*", parts[relation.depth], 1)
    )
    return (*parts[: relation.depth], swapped, *parts[relation.depth + 1 :])


def _words(folders: Sequence[str]) -> list[str]:
    """The folders' parts: as they are where they are the same, else a word in braces."""
    found = []
    for depth, values in enumerate(zip(*(folder.split("/") for folder in folders if folder), strict=True)):
        different = set(values)
        if len(different) == 1:
            found.append(values[0])
        else:
            are_splits = all(value.lower() in SPLIT_NAMES for value in different)
            found.append("{split}" if are_splits and "{split}" not in found else f"{{folder{depth + 1}}}")
    return found


def _ending(paths: Iterable[str], any_ending: str = ANY_ENDING) -> str:
    endings = {posixpath.splitext(path)[1] for path in paths}
    return endings.pop() if len(endings) == 1 else any_ending


def _depth(folder: str) -> int:
    return folder.count("/") + 1 if folder else 0
