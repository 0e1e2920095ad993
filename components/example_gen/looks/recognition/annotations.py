"""Recognizes annotations whose shapes have labels: COCO, Label Studio, labelme, and polygons of YOLO."""

import json
import posixpath
import re
from collections.abc import Iterator
from typing import Any

import yaml

from components.example_gen.looks.recognition.recognized import Recognized
from components.example_gen.looks.tree import FileTree, stem
from components.example_gen.readers.coco_files import KINDS, NO_MASKS, USUAL, brushed
from components.example_gen.readers.label_studio import find_regions, read_tasks
from components.example_gen.readers.patterns import split_words
from petseg.errors import BrokenFileError, UserError
from petseg.files.object_store import as_path

SNIFFED = 8
"""Files of one ending that are opened to recognize a format."""

MOST_READ = 2000
"""Files of single photos that are read for their labels."""

MAX_JSON = 600_000_000


def recognize_coco(tree: FileTree) -> Recognized | None:
    """COCO's JSON files; of several kinds of annotations the objects."""
    found = {
        path: content
        for path, content in _json_files(tree)
        if _is_coco(content) and not NO_MASKS.match(posixpath.basename(path))
    }
    kinds = [kind for kind in KINDS if any(posixpath.basename(path).startswith(kind) for path in found)]
    settings = {}
    others = ""
    if len(kinds) > 1:
        found = {path: found[path] for path in found if posixpath.basename(path).startswith(kinds[0])}
        settings = {"masks": f"{posixpath.dirname(next(iter(found)))}/{kinds[0]}_*.json".lstrip("/")}
        others = f"; {', '.join(kinds[1:])} are left alone"
    elif not all(map(USUAL.fullmatch, found)):
        folder = posixpath.dirname(next(iter(found)))
        settings = {"masks": next(iter(found)) if len(found) == 1 else f"{folder}/*.json"}
    if not found:
        return None
    labels = tuple(dict.fromkeys(label for content in found.values() for label in _labels_in_use(content)))
    images = sum(len(content["images"]) for content in found.values())
    annotations = sum(len(content["annotations"]) for content in found.values())
    grounds = [
        f"{', '.join(found)}: {images:,} images, {annotations:,} annotations, {len(labels)} categories in use"
        f"{others}"
    ]
    crowds = sum(map(brushed, found.values()))
    if crowds:
        settings["crowds"] = "labels"
        grounds.append(
            f"{crowds:,} annotations have iscrowd: 1, as CVAT writes brushed masks, and count as labels "
            "(data.crowds)"
        )
    return Recognized("coco", "COCO annotations", grounds=tuple(grounds), settings=settings, labels=labels)


def _is_coco(content: Any) -> bool:
    return isinstance(content, dict) and all(
        isinstance(content.get(key), list) for key in ("images", "annotations", "categories")
    )


def _labels_in_use(content: dict[str, Any]) -> Iterator[str]:
    """Names of the categories that annotations have, in the order of their ids."""
    used = {
        each.get("category_id")
        for annotation in content["annotations"]
        if isinstance(annotation, dict)
        for each in annotation.get("segments_info", [annotation])
    }
    categories = [one for one in content["categories"] if isinstance(one, dict) and one.get("id") in used]
    for category in sorted(categories, key=lambda one: str(one["id"]).zfill(9)):
        yield str(category.get("name", category["id"])).strip()


def recognize_label_studio(tree: FileTree) -> Recognized | None:
    """PNGs of brushed regions, named by Label Studio after task, annotation, user, tag and label."""
    regions = find_regions(tree.images)
    if not regions:
        return None
    try:
        tasks = read_tasks(as_path(tree.root), tree.files)
    except UserError:
        tasks = {}
    tags = {tag for task in tasks.values() for tag in task.tags}
    files = [one for of_task in regions.values() for one in of_task]
    labels = dict.fromkeys(sorted(one.label(tags) for one in files))
    grounds = (f"{files[0].path}: {len(files):,} brushed regions in {len(regions):,} tasks",)
    return Recognized(
        "label_studio", "brush labels of Label Studio in PNGs", grounds=grounds, labels=tuple(labels)
    )


def recognize_labelme(tree: FileTree) -> Recognized | None:
    """Labelme's JSON files, one for each photo."""
    files = list(tree.with_ending(".json"))
    read = [path for path, content in _json_files(tree, files[:SNIFFED]) if _is_labelme(content)]
    if not read or 2 * len(read) < min(len(files), SNIFFED):
        return None
    labels = {
        str(shape.get("label"))
        for _, content in _json_files(tree, files[:MOST_READ])
        if _is_labelme(content)
        for shape in content["shapes"]
        if isinstance(shape, dict)
    }
    grounds = (f"{read[0]}: `shapes` and `imagePath`, in {len(files):,} JSON files",)
    beside = posixpath.dirname(read[0]) in {posixpath.dirname(path) for path in tree.images}
    settings = {} if beside else {"masks": f"{posixpath.dirname(read[0])}/{{stem}}.json"}
    if beside and all(split_words(path.partition("/")[0]) for path in tree.images):
        settings["photos"] = "{split}/**"
    return Recognized(
        "labelme", "labelme annotations", grounds=grounds, settings=settings, labels=tuple(sorted(labels))
    )


def _is_labelme(content: Any) -> bool:
    return isinstance(content, dict) and isinstance(content.get("shapes"), list) and "imagePath" in content


def recognize_yolo(tree: FileTree) -> Recognized | None:
    """Text files of polygons, one for each photo."""
    images = {stem(path) for path in tree.images}
    files = [path for path in tree.with_ending(".txt") if stem(path) in images]
    opened = [(path, _text(tree, path)) for path in files[:SNIFFED]]
    polygons = [path for path, text in opened if text and all(map(_is_polygon, text.splitlines()))]
    if not polygons:
        return None
    labels: tuple[str | int, ...] = ()
    for path in tree.with_ending(".yaml", ".yml"):
        labels = labels or _yolo_names(_text(tree, path))
    if not labels:
        lines = (line for path in files[:MOST_READ] for line in _text(tree, path).splitlines())
        labels = tuple(sorted({int(line.split()[0]) for line in lines if _is_polygon(line)}))
    grounds = (f"{polygons[0]}: lines of a class and the corners of a polygon, in {len(files):,} TXT files",)
    return Recognized("yolo", "YOLO polygons", grounds=grounds, labels=labels)


def _is_polygon(line: str) -> bool:
    numbers = line.split()
    if len(numbers) < 7 or len(numbers) % 2 == 0 or not numbers[0].isdigit():
        return False
    return all(re.fullmatch(r"-?\d*\.?\d+(e-?\d+)?", number) for number in numbers[1:])


def _yolo_names(text: str) -> tuple[str, ...]:
    try:
        names = (yaml.safe_load(text) or {}).get("names")
    except (yaml.YAMLError, AttributeError):
        return ()
    if isinstance(names, dict):
        return tuple(str(names[key]) for key in sorted(names))
    return tuple(map(str, names)) if isinstance(names, list) else ()


def _json_files(tree: FileTree, files: list[str] | None = None) -> Iterator[tuple[str, Any]]:
    """Path and content of the JSON files; broken ones are left out."""
    paths = list(tree.with_ending(".json"))
    if files is None:
        # Annotations of a whole data set are few and large; of single photos, many and small.
        files = sorted(paths, key=lambda path: -tree.files[path])[:SNIFFED]
    for path in files:
        if tree.files[path] <= MAX_JSON:
            try:
                yield path, json.loads(tree.read_text(path))
            except (BrokenFileError, ValueError, RecursionError):
                continue


def _text(tree: FileTree, path: str) -> str:
    try:
        return tree.read_text(path)
    except BrokenFileError:
        return ""
