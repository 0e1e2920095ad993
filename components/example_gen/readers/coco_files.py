"""The JSON files of COCO: which of a folder they are, and what is in them."""

import json
import posixpath
import re
from typing import Any

from components.example_gen.readers.files import FileTree, Folder, read_text
from components.example_gen.readers.patterns import composed, pattern_regex
from components.example_gen.settings import DataSettings
from petseg.errors import UserError

KINDS = ("instances", "stuff", "panoptic")
NO_MASKS = re.compile(r"(captions|person_keypoints|image_info)")
USUAL = re.compile(r"(annotations/[^/]+|[^/]+|[^/]+/_annotations\.coco)\.json")


def annotation_files(tree: FileTree, data: DataSettings) -> list[str]:
    """The JSON files that `data.masks` names, or those of the usual layouts.

    Raises:
        UserError: There are none, or of several kinds.
    """
    if data.masks is not None:
        regex = pattern_regex("data.masks", data.masks)
        files = [path for path in tree.paths if regex.fullmatch(composed(path))]
        if not files:
            raise UserError(f"data.masks: no file below {tree.root} matches {data.masks}")
        return files
    files = [
        path for path in tree.paths if USUAL.fullmatch(path) and not NO_MASKS.match(posixpath.basename(path))
    ]
    kinds = {kind for kind in KINDS for path in files if posixpath.basename(path).startswith(kind)}
    if len(kinds) > 1:
        raise UserError(
            f"data.masks must choose one kind of annotations; {tree.root} has {', '.join(sorted(kinds))}: "
            f"set data.masks: annotations/{min(kinds)}_*.json"
        )
    if not files:
        raise UserError(
            f"data: {tree.root} has no annotations/*.json, no *.json and no */_annotations.coco.json; "
            "data.masks names the files"
        )
    return files


def read_annotations(folder: Folder, file: str) -> dict[str, Any]:
    """Content of an annotation file.

    Raises:
        UserError: It is no JSON file of COCO.
    """
    try:
        content = json.loads(read_text(folder / file, "annotation file"))
    except ValueError as error:
        raise UserError(f"data: {file} is not valid JSON: {error}") from None
    missing = [
        key
        for key in ("images", "annotations", "categories")
        if not isinstance(content, dict) or not isinstance(content.get(key), list)
    ]
    if missing:
        raise UserError(
            f"data: {file} is no COCO file: it has no list {missing[0]}; data.masks names the files"
        )
    return content


def label_of(category: dict[str, Any]) -> str:
    """Name of a category, as the class table has it."""
    return composed(str(category.get("name", category["id"]))).strip()


def labels_in_use(content: dict[str, Any], with_crowds: bool) -> set[str]:
    """Names of the categories that annotations have; those of crowds only if they count."""
    names = {category["id"]: label_of(category) for category in content["categories"]}
    annotations = [
        each
        for annotation in content["annotations"]
        for each in annotation.get("segments_info", [annotation])
    ]
    ids = {each["category_id"] for each in annotations if with_crowds or not each.get("iscrowd")}
    return {names.get(number, str(number)) for number in ids}


def brushed(content: dict[str, Any]) -> int:
    """Number of annotations that are crowds in name only, because a labeling tool writes brushed masks so.

    CVAT's exporter (Datumaro, `plugins/coco_format/converter.py`) sets `iscrowd: 1` on every mask, and gives
    each annotation `attributes`, which COCO has not. In COCO, an annotation file has few crowds.
    """
    annotations = [one for one in content["annotations"] if isinstance(one, dict)]
    crowds = [one for one in annotations if one.get("iscrowd")]
    if all("attributes" in one for one in crowds) or len(crowds) == len(annotations):
        return len(crowds)
    return 0
