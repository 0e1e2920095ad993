"""COCO's JSON files: instances, stuff and panoptic, as the challenge and labeling tools write them.

    annotations/instances_train2017.json, annotations/instances_val2017.json, train2017/*.jpg, val2017/*.jpg
    annotations/instances_default.json, images/default/*.jpg          CVAT, "COCO 1.0"
    result.json, images/*.jpg                                         Label Studio, "COCO"
    train/_annotations.coco.json, train/*.jpg, valid/...              Roboflow

`data.masks` chooses the files, as a pattern. Photos are found by `file_name` wherever they are. Categories
are the labels of the class table. Pixels without annotation are the background, see
`shapes.background_value`. Crowds are drawn first, as ignored pixels, then objects from the largest to the
smallest, so that none hides one in front of it. Polygons are filled by the rule of pycocotools. With
`data.crowds: labels`, crowds are objects as well, as CVAT means it, which writes brushed masks as crowds.
"""

import posixpath
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.example_gen.pairs import BY_NAME, Found, LeftOut, Note, PairSource
from components.example_gen.pixels.mask_mapping import UnknownValuesError
from components.example_gen.readers.coco_files import (
    annotation_files,
    brushed,
    label_of,
    labels_in_use,
    read_annotations,
)
from components.example_gen.readers.files import FileTree, data_folder
from components.example_gen.readers.patterns import (
    composed,
    split_words,
    splits_of,
    without_ending,
)
from components.example_gen.readers.shapes import DrawnMask, Shape, background_value, require_labels
from components.example_gen.settings import DataSettings
from components.example_gen.sources import File
from petseg.errors import BrokenFileError, UserError
from petseg.files.image_file import PHOTO_ENDINGS, decode, open_image

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
    contents = {file: read_annotations(folder, file) for file in annotation_files(tree, data)}
    _require_known_crowds(contents, data)
    with_crowds = data.crowds == "labels"
    labels = {label for content in contents.values() for label in labels_in_use(content, with_crowds)}
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
    stems = [without_ending(file, (".json",)) for file in contents]
    masks_of_files = tuple(f"{stem}{end}/" for stem in stems for end in ("", "_pixelmaps"))
    for path in tree.paths:
        if path.lower().endswith(PHOTO_ENDINGS) and path not in used and not path.startswith(masks_of_files):
            yield LeftOut(without_ending(composed(path)))


class _Masks:
    """The masks of one JSON file."""

    def __init__(
        self, file: str, content: dict[str, Any], background: int | None, data: DataSettings, tree: FileTree
    ):
        self._file, self._background, self._data, self._tree = file, background, data, tree
        self._values = {
            category["id"]: data.classes.value_of_label.get(label_of(category))
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
            drawn = sorted(annotations, key=lambda each: (not self._is_ignored(each), -_area(each)))
            shapes = [shape for each in drawn for shape in self._shape(each)]
        except (KeyError, TypeError, ValueError, BrokenFileError) as error:
            return Note(self._file, f"image {image['file_name']}: {_said(error)}")
        return DrawnMask.of(f"{self._file}: {image['file_name']}", size, shapes, self._background)

    def _shape(self, annotation: dict[str, Any]) -> Iterator[Shape]:
        geometry = annotation.get("segmentation")
        if not geometry:
            raise BrokenFileError(f"annotation {annotation.get('id')} has a box, but no segmentation")
        yield self._value(annotation), geometry

    def _value(self, annotation: dict[str, Any]) -> int:
        if not self._is_ignored(annotation):
            return int(self._values[annotation["category_id"]] or 0)
        if self._data.classes.stored_ignored is None:
            raise UserError(
                f"data.classes.ignored_value must be set, such as 255: {self._file} has crowds "
                "(iscrowd: 1), which are ignored; data.crowds: labels takes them as objects"
            )
        return self._data.classes.stored_ignored

    def _is_ignored(self, annotation: dict[str, Any]) -> bool:
        return bool(annotation.get("iscrowd")) and self._data.crowds != "labels"

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


def _require_known_crowds(contents: Mapping[str, dict[str, Any]], data: DataSettings) -> None:
    """Raises a UserError if crowds may be labels, and the settings do not say whether they are."""
    for file, content in contents.items():
        if data.crowds is None and (number := brushed(content)):
            raise UserError(
                f"data.crowds must be set: {file} has {number:,} annotations with iscrowd: 1, as CVAT writes "
                "brushed masks. labels: they are labels of their category; ignored: their pixels do not count"
            )


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
