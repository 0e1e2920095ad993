"""Recognizes the format of a data set by the names of its files, and says on what grounds."""

import posixpath
from collections.abc import Callable

from components.example_gen.looks.images import looks_like_mask
from components.example_gen.looks.recognition.annotations import (
    recognize_coco,
    recognize_label_studio,
    recognize_labelme,
    recognize_yolo,
)
from components.example_gen.looks.recognition.label_maps import LabelMap, find_label_maps
from components.example_gen.looks.recognition.pairing import find_pairing
from components.example_gen.looks.recognition.recognized import Recognized
from components.example_gen.looks.tree import FileTree
from petseg.errors import BrokenFileError

PETS = LabelMap("the data set's own README", {1: "pet", 2: "background", 3: "border"}, {})


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
    recognize_label_studio,
    recognize_coco,
    recognize_labelme,
    _folder,
    recognize_yolo,
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
