"""Recognizes the format of a data set by the names of its files, and says on what grounds."""

import json
import posixpath
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from components.example_gen.looks.images import looks_like_mask
from components.example_gen.looks.label_maps import LabelMap, find_label_maps
from components.example_gen.looks.pairing import Pairing, find_pairing
from components.example_gen.looks.tree import FileTree, stem
from petseg.errors import BrokenFileError

SNIFFED = 8
"""Files of one ending that are opened to recognize a format."""

PETS = LabelMap("the data set's own README", {1: "pet", 2: "background", 3: "border"}, {})

MAX_JSON = 600_000_000


@dataclass(frozen=True)
class Recognized:
    """A data set that was recognized.

    Attributes:
        format: A value of `data.format`.
        title: What people call it.
        below: Folder below the one looked at; empty where that is it.
        grounds: Why it is this format, one reason each.
        settings: Settings of `data` beside path, format and classes.
        classes: Names of the labels, for formats whose annotations have names.
        pairing: Of format folder.
        label_map: Names of mask values or colors, where a file has them.
    """

    format: str
    title: str
    below: str = ""
    grounds: tuple[str, ...] = ()
    settings: dict[str, Any] = field(default_factory=dict)
    classes: tuple[str, ...] = ()
    pairing: Pairing | None = None
    label_map: LabelMap | None = None


def recognize(tree: FileTree) -> Recognized | None:
    """The format of a data set; None if there is none that a reader reads."""
    for recognizer in _RECOGNIZERS:
        found = recognizer(tree)
        if found:
            return found
    return None


def _tfds(tree: FileTree) -> Recognized | None:
    for path in tree.with_ending(".json"):
        folder, name = posixpath.split(path)
        if name == "dataset_info.json" and f"{folder}/features.json" in tree.files and folder.count("/") >= 1:
            above, version = posixpath.split(folder)
            builder = posixpath.basename(above)
            return Recognized(
                "tfds",
                "a data set of TensorFlow Datasets",
                posixpath.dirname(above),
                (f"{path} and features.json beside it",),
                {"tfds_builder": f"{builder}:{version}"},
            )
    return None


def _pets(tree: FileTree) -> Recognized | None:
    below = _folder_with(tree, "annotations/trainval.txt")
    if below is None or not tree.has_folder(_join(below, "annotations/trimaps")):
        return None
    return Recognized(
        "pets",
        "the layout of the Oxford-IIIT Pet data set",
        below,
        ("annotations/trainval.txt and annotations/trimaps/",),
        label_map=PETS,
    )


def _voc(tree: FileTree) -> Recognized | None:
    for folder in sorted({path for path in tree.folders if posixpath.basename(path) == "SegmentationClass"}):
        below = posixpath.dirname(folder)
        photos = tree.has_folder(_join(below, "JPEGImages"))
        lists = tree.has_folder(_join(below, "ImageSets/Segmentation"))
        if not photos and not lists:
            continue
        grounds = [
            f"{folder}/",
            *([f"{_join(below, 'JPEGImages')}/"] if photos else []),
            *([f"{_join(below, 'ImageSets/Segmentation')}/"] if lists else []),
        ]
        maps = find_label_maps(tree)
        return Recognized("voc", "Pascal VOC", below, tuple(grounds), label_map=maps[0] if maps else None)
    return None


def _coco(tree: FileTree) -> Recognized | None:
    found = {path: content for path, content in _json_files(tree) if _is_coco(content)}
    if not found:
        return None
    names: dict[str, None] = {}
    for content in found.values():
        categories = sorted(content["categories"], key=lambda category: category.get("id", 0))
        names |= {str(category["name"]): None for category in categories if "name" in category}
    first = next(iter(found.values()))
    grounds = (
        f"{', '.join(found)}: {len(first['images'])} images, {len(first['annotations'])} annotations,"
        f" categories {', '.join(list(names)[:8])}",
    )
    return Recognized("coco", "COCO annotations", "", grounds, classes=tuple(names))


def _is_coco(content: Any) -> bool:
    return isinstance(content, dict) and all(
        isinstance(content.get(key), list) for key in ("images", "annotations", "categories")
    )


def _labelme(tree: FileTree) -> Recognized | None:
    files = list(tree.with_ending(".json"))
    read = [(path, content) for path, content in _json_files(tree, files[:SNIFFED]) if _is_labelme(content)]
    if not read or 2 * len(read) < min(len(files), SNIFFED):
        return None
    labels: set[str] = set()
    for _, content in read if len(files) <= SNIFFED else _json_files(tree, files):
        if _is_labelme(content):
            labels |= {str(shape.get("label")) for shape in content["shapes"] if isinstance(shape, dict)}
    grounds = (f"{read[0][0]}: `shapes` and `imagePath`, in {len(files)} JSON files",)
    return Recognized("labelme", "labelme annotations", "", grounds, classes=tuple(sorted(labels)))


def _is_labelme(content: Any) -> bool:
    return isinstance(content, dict) and isinstance(content.get("shapes"), list) and "imagePath" in content


def _yolo(tree: FileTree) -> Recognized | None:
    images = {stem(path) for path in tree.images}
    labels = [path for path in tree.with_ending(".txt") if stem(path) in images]
    opened = [(path, _text(tree, path)) for path in labels[:SNIFFED]]
    polygons = [path for path, text in opened if text and all(map(_is_polygon, text.splitlines()))]
    if not polygons:
        return None
    names: tuple[str, ...] = ()
    for path in tree.with_ending(".yaml", ".yml"):
        names = names or _yolo_names(_text(tree, path))
    grounds = (f"{polygons[0]}: lines of a class and the corners of a polygon, in {len(labels)} TXT files",)
    return Recognized("yolo", "YOLO polygons", "", grounds, classes=names)


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


def _folder(tree: FileTree) -> Recognized | None:
    pairing = find_pairing(tree.images, lambda path: _is_mask(tree, path))
    if pairing is None:
        return None
    photo, mask = next(iter(pairing.pairs.items()))
    grounds = [f"{len(pairing.pairs):,} photos have a mask, such as {photo} and {mask}"]
    if pairing.rivals:
        grounds.append(f"other masks of the same photos are left alone: {', '.join(pairing.rivals)}")
    maps = find_label_maps(tree)
    return Recognized(
        "folder",
        "photos and masks in files",
        grounds=tuple(grounds),
        pairing=pairing,
        label_map=maps[0] if maps else None,
    )


_RECOGNIZERS: tuple[Callable[[FileTree], Recognized | None], ...] = (
    _tfds,
    _pets,
    _voc,
    _coco,
    _labelme,
    _folder,
    _yolo,
)
"""In this order: the first that fits is taken."""


def _is_mask(tree: FileTree, path: str) -> bool:
    try:
        return looks_like_mask(tree.read(path))
    except BrokenFileError:
        return False


def _folder_with(tree: FileTree, file: str) -> str | None:
    """The folder, nearest to the root, that has a file at this path below it."""
    found = [path for path in tree.files if path == file or path.endswith(f"/{file}")]
    return min(
        (path[: -len(file)].rstrip("/") for path in found), key=lambda path: path.count("/"), default=None
    )


def _join(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


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
