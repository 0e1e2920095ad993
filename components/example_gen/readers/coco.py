"""COCO's JSON files: instances, stuff and panoptic, as the challenge and labeling tools write them.

    annotations/instances_train2017.json, annotations/instances_val2017.json, train2017/*.jpg, val2017/*.jpg
    annotations/instances_default.json, images/default/*.jpg          CVAT, "COCO 1.0"
    result.json, images/*.jpg                                         Label Studio, "COCO"
    train/_annotations.coco.json, train/*.jpg, valid/...              Roboflow

`data.masks` chooses the files, as a pattern. Photos are found by `file_name` wherever they are. Categories
are the labels of the class table. Pixels without annotation are the background, see
`shapes.background_value`. Crowds are drawn first, as ignored pixels, then objects from the largest to the
smallest, so that none hides one in front of it. Polygons are filled by the rule of pycocotools.
"""

import json
import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.example_gen.pairs import BY_NAME, Found, LeftOut, Note, PairSource
from components.example_gen.pixels.mask_mapping import UnknownValuesError
from components.example_gen.readers.files import FileTree, Folder, data_folder, read_text
from components.example_gen.readers.patterns import (
    composed,
    pattern_regex,
    split_words,
    splits_of,
    without_ending,
)
from components.example_gen.readers.shapes import DrawnMask, Shape, background_value, require_labels
from components.example_gen.settings import DataSettings
from components.example_gen.sources import File
from petseg.errors import BrokenFileError, UserError
from petseg.files.image_file import PHOTO_ENDINGS, decode, open_image

KINDS = ("instances", "stuff", "panoptic")
NO_MASKS = re.compile(r"(captions|person_keypoints|image_info)")
USUAL = re.compile(r"(annotations/[^/]+|[^/]+|[^/]+/_annotations\.coco)\.json")
PHOTO_FOLDER = "images/"


@dataclass(frozen=True)
class PanopticMask:
    """A PNG whose colors are the ids of segments; implements RenderedMask.

    Attributes:
        file: The PNG.
        value_of_id: Value of each segment.
        void: Value of pixels in no segment; None: there must be none.
        max_pixels: Limit of pixels.
    """

    file: File
    value_of_id: dict[int, int]
    void: int | None
    max_pixels: int

    @property
    def path(self) -> str:
        """See RenderedMask."""
        return self.file.path

    def render(self, height: int, width: int) -> np.ndarray:
        """See RenderedMask."""
        image = open_image(self.file.read(8 * self.max_pixels + 2**20), ("PNG",), self.max_pixels)
        decode(image)
        ids = np.asarray(image.convert("RGB")).astype(np.int64) @ [1, 256, 65536]
        table = self.value_of_id | ({} if self.void is None else {0: self.void})
        found, index, counts = np.unique(ids, return_inverse=True, return_counts=True)
        unknown = {
            str(number): int(n) for number, n in zip(found, counts, strict=True) if number not in table
        }
        if unknown:
            raise UnknownValuesError(unknown, sorted(table), "segment")
        return np.array([table[number] for number in found])[index].reshape(ids.shape)


def watched(data: DataSettings) -> tuple[str, ...]:
    """See Reader."""
    return (".",)


def read_pairs(data: DataSettings, scratch: str) -> Iterator[Found]:
    """Yields the pair of each image in the JSON files; see Reader."""
    folder = data_folder(data)
    tree = FileTree(folder, ["."])
    contents = {file: _read(folder, file) for file in _annotation_files(tree, data)}
    labels = {label for content in contents.values() for label in _labels_in_use(content)}
    require_labels(data.classes, labels)
    background = background_value(data.classes, labels)
    splits = _splits(list(contents))
    photos = _photos_by_name(tree)
    used: set[str] = set()
    for file, content in contents.items():
        masks = _Masks(file, content, background, data, tree)
        for image in content["images"]:
            name = _name(file, image)
            photo = _find_photo(photos, file, image)
            if isinstance(photo, Note):
                yield photo
                continue
            used.add(photo)
            mask = masks.of(image)
            if isinstance(mask, Note):
                yield mask
            else:
                yield PairSource(name, File(tree.root, photo), mask, split=splits[file], found_in=file)
    panoptic = tuple(f"{without_ending(file, ('.json',))}/" for file in contents)
    for path in tree.paths:
        if path.lower().endswith(PHOTO_ENDINGS) and path not in used and not path.startswith(panoptic):
            yield LeftOut(without_ending(composed(path)))


class _Masks:
    """The masks of one JSON file."""

    def __init__(
        self, file: str, content: dict[str, Any], background: int | None, data: DataSettings, tree: FileTree
    ):
        self._file, self._background, self._data, self._tree = file, background, data, tree
        self._values = {
            category["id"]: data.classes.value_of_label.get(_label(category))
            for category in content["categories"]
        }
        self._of_image: dict[Any, list[dict[str, Any]]] = {}
        for annotation in content["annotations"]:
            self._of_image.setdefault(annotation["image_id"], []).append(annotation)
        self._is_panoptic = any("segments_info" in each for each in content["annotations"])

    def of(self, image: dict[str, Any]) -> DrawnMask | PanopticMask | Note:
        annotations = self._of_image.get(image["id"], [])
        if self._is_panoptic:
            return self._panoptic(annotations, image)
        try:
            size = int(image["height"]), int(image["width"])
            drawn = sorted(annotations, key=lambda each: (not each.get("iscrowd"), -_area(each)))
            shapes = [shape for each in drawn for shape in self._shape(each)]
        except (KeyError, TypeError, ValueError, BrokenFileError) as error:
            return Note(self._file, f"image {image['file_name']}: {_said(error)}")
        return DrawnMask.of(self._file, size, shapes, self._background)

    def _shape(self, annotation: dict[str, Any]) -> Iterator[Shape]:
        geometry = annotation.get("segmentation")
        if not geometry:
            raise BrokenFileError(f"annotation {annotation.get('id')} has a box, but no segmentation")
        yield self._value(annotation), geometry

    def _value(self, annotation: dict[str, Any]) -> int:
        if not annotation.get("iscrowd"):
            return int(self._values[annotation["category_id"]] or 0)
        if self._data.classes.stored_ignored is None:
            raise UserError(
                f"data.classes.ignored_value must be set, such as 255: {self._file} has crowds, which are "
                "ignored. CVAT writes brushed masks as crowds: export Segmentation mask 1.1 and set "
                "data.format: voc instead"
            )
        return self._data.classes.stored_ignored

    def _panoptic(self, annotations: list[dict[str, Any]], image: dict[str, Any]) -> PanopticMask | Note:
        if not annotations:
            return Note(self._file, f"image {image['file_name']} has no annotation")
        path = f"{without_ending(self._file, ('.json',))}/{annotations[0]['file_name']}"
        png = self._tree.file(composed(path))
        if png is None:
            return self._tree.missing(path)
        values = {segment["id"]: self._value(segment) for segment in annotations[0]["segments_info"]}
        ignored = self._data.classes.stored_ignored
        void = self._background if ignored is None else ignored
        return PanopticMask(File(self._tree.root, png), values, void, self._data.max_pixels)


def _annotation_files(tree: FileTree, data: DataSettings) -> list[str]:
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


def _read(folder: Folder, file: str) -> dict[str, Any]:
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


def _label(category: dict[str, Any]) -> str:
    return composed(str(category.get("name", category["id"]))).strip()


def _labels_in_use(content: dict[str, Any]) -> set[str]:
    names = {category["id"]: _label(category) for category in content["categories"]}
    annotations = [
        each
        for annotation in content["annotations"]
        for each in annotation.get("segments_info", [annotation])
    ]
    ids = {each["category_id"] for each in annotations if not each.get("iscrowd")}
    return {names.get(number, str(number)) for number in ids}


def _splits(files: list[str]) -> dict[str, str]:
    """Split of each file: by a word in its name or in that of its folder, where all files have one."""
    words = {}
    for file in files:
        parts = re.split(r"[^A-Za-z]+", file.replace(".json", ""))
        words[file] = next((part.lower() for part in reversed(parts) if split_words(part)), "")
    if not all(words.values()) or len(files) == 1:
        return dict.fromkeys(files, BY_NAME)
    splits = splits_of(words.values())
    return {file: splits[word] for file, word in words.items()}


def _path(image: dict[str, Any]) -> str:
    """`file_name` with / between folders: tools on Windows write backslashes."""
    return composed(str(image["file_name"]).replace("\\", "/")).removeprefix("./")


def _name(file: str, image: dict[str, Any]) -> str:
    name = without_ending(_path(image).removeprefix(PHOTO_FOLDER))
    folder = posixpath.dirname(file)
    return name if folder in ("", "annotations") else f"{folder}/{name}"


def _photos_by_name(tree: FileTree) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for path in tree.paths:
        if path.lower().endswith(PHOTO_ENDINGS):
            found.setdefault(posixpath.basename(composed(path)), []).append(path)
    return found


def _find_photo(photos: dict[str, list[str]], file: str, image: dict[str, Any]) -> str | Note:
    """The photo whose path has most of `file_name`, best beside the JSON file or in its split's folder."""
    wanted = _path(image)
    candidates = photos.get(posixpath.basename(wanted), [])
    if not candidates:
        return Note(wanted, f"is missing; {file} names it")
    word = re.sub(r"^[a-z]+_", "", posixpath.basename(without_ending(file, (".json",))))

    def fit(path: str) -> tuple[int, bool, bool]:
        parts, named = composed(path).split("/")[::-1], wanted.split("/")[::-1]
        common = next((i for i, (a, b) in enumerate(zip(parts, named, strict=False)) if a != b), len(named))
        return common, posixpath.dirname(path) == posixpath.dirname(file), word in path.split("/")

    best = max(map(fit, candidates))
    fitting = [path for path in candidates if fit(path) == best]
    if len(fitting) > 1:
        return Note(wanted, f"is there more than once: {', '.join(fitting[:3])}; {file} names it")
    return fitting[0]


def _area(annotation: dict[str, Any]) -> float:
    return float(annotation.get("area") or 0)


def _said(error: Exception) -> str:
    return f"has no {error}" if isinstance(error, KeyError) else str(error)
