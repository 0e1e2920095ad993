"""Label Studio's "Brush labels to PNG", beside its JSON export, which says which photo each task is.

    task-<id>-annotation-<id>-by-<user>-<tag>-<label>-<number>.png    255 inside one brushed region
    project-1-at-2026-11-21-10-00-1a2b3c4d.json                       "JSON" or "JSON-MIN" of the same project
    8d2b1c3a-photo.jpg                                                wherever the photos are

in any folders of the data set's folder. See `label_studio_sdk/converter/brush.py`: the PNG is the opacity
of the region. Photos may lack the prefix of eight letters that an upload adds. Of several annotations of a
task, the last one counts. Larger regions are drawn first, so that none hides a smaller one. Pixels in no
region are the background, see `shapes.background_value`. A task without PNG is not labeled yet and is left
out.
"""

import json
import posixpath
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from components.example_gen.pairs import BY_NAME, Found, LeftOut, Note, PairSource
from components.example_gen.readers.files import FileTree, Folder, data_folder, read_text
from components.example_gen.readers.patterns import composed, without_ending
from components.example_gen.readers.shapes import background_value, require_labels
from components.example_gen.settings import DataSettings
from components.example_gen.sources import File
from petseg.errors import BrokenFileError, UserError
from petseg.files.image_file import PHOTO_ENDINGS, decode, open_image

BRUSHED = re.compile(r"task-(\d+)-annotation-(\d+)-by-([^-]*)-(.+)-(\d+)\.png")
UPLOADED = re.compile(r"[0-9a-f]{8}-")
OPAQUE = 128
"""Opacity from which a pixel is inside: strokes have soft edges."""


@dataclass(frozen=True)
class BrushedMask:
    """The regions of one photo; implements RenderedMask.

    Attributes:
        path: Of the first PNG.
        regions: Value and PNG of each region.
        background: Value of pixels in no region; None: there must be none.
        max_pixels: Limit of pixels.
    """

    path: str
    regions: tuple[tuple[int, File], ...]
    background: int | None
    max_pixels: int

    def render(self, height: int, width: int) -> np.ndarray:
        """See RenderedMask."""
        drawn = [(value, self._inside(file)) for value, file in self.regions]
        shape = drawn[0][1].shape
        values = np.full(shape, -1 if self.background is None else self.background, np.int16)
        for value, inside in sorted(drawn, key=lambda region: -np.count_nonzero(region[1])):
            if inside.shape != shape:
                raise BrokenFileError("has another size than the other regions of its task")
            values[inside] = value
        if (values < 0).any():
            raise BrokenFileError(
                f"leaves {np.count_nonzero(values < 0)} pixels without a label; give one class the source "
                "background"
            )
        return values

    def _inside(self, file: File) -> np.ndarray:
        image = open_image(file.read(8 * self.max_pixels + 2**20), ("PNG",), self.max_pixels)
        decode(image)
        return np.asarray(image.convert("L")) >= OPAQUE


@dataclass(frozen=True)
class Region:
    """What the name of a PNG says.

    Attributes:
        path: Below the data set's folder.
        task: Number of the task.
        annotation: Number of the annotation.
        tag_and_label: Name of the tag, a hyphen, and the label.
    """

    path: str
    task: int
    annotation: int
    tag_and_label: str

    def label(self, tags: Iterable[str]) -> str:
        """Its label, which may have hyphens; a tag whose name has some must be among `tags`."""
        for tag in sorted(tags, key=len, reverse=True):
            if self.tag_and_label.startswith(f"{tag}-"):
                return self.tag_and_label[len(tag) + 1 :]
        return self.tag_and_label.partition("-")[2] or self.tag_and_label


@dataclass(frozen=True)
class Task:
    """A task of the JSON export.

    Attributes:
        file: The export.
        photo: File name of the photo.
        tags: Names of the tags that its annotations use.
    """

    file: str
    photo: str
    tags: frozenset[str]


def watched(data: DataSettings) -> tuple[str, ...]:
    """See Reader."""
    return (".",)


def read_pairs(data: DataSettings, scratch: str) -> Iterator[Found]:
    """Yields the pair of each task that has PNGs; see Reader."""
    folder = data_folder(data)
    tree = FileTree(folder, ["."])
    regions = find_regions(tree.paths)
    tasks = read_tasks(folder, tree.paths)
    if not regions:
        raise UserError(f"data: {folder} has no task-<id>-annotation-<id>-by-<user>-<tag>-<label>-<n>.png")
    if not tasks:
        raise UserError(
            f"data: {folder} has PNGs of Label Studio, but nothing says which photo a task is; export JSON,"
            " too, and put that file there"
        )
    tags = {tag for task in tasks.values() for tag in task.tags}
    # File names have hyphens for slashes.
    values = {_in_file_name(label): value for label, value in data.classes.value_of_label.items()}
    labels = {label for of_task in regions.values() for label in (one.label(tags) for one in of_task)}
    require_labels(data.classes, [label for label in labels if label not in values])
    background = background_value(
        data.classes, [label for label in data.classes.value_of_label if _in_file_name(label) in labels]
    )
    photos = _Photos(tree, {one.path for of_task in regions.values() for one in of_task})
    for number, task in tasks.items():
        photo = photos.of(task)
        if number not in regions:
            if not isinstance(photo, Note):
                yield LeftOut(_name(photo))
        elif isinstance(photo, Note):
            yield photo
        else:
            found = tuple((values[one.label(tags)], File(tree.root, one.path)) for one in regions[number])
            mask = BrushedMask(regions[number][0].path, found, background, data.max_pixels)
            yield PairSource(_name(photo), File(tree.root, photo), mask, split=BY_NAME, found_in=task.file)
    for number in regions.keys() - tasks.keys():
        yield Note(regions[number][0].path, f"is of task {number}, which no JSON export there has")


def find_regions(paths: Iterable[str]) -> dict[int, list[Region]]:
    """The PNGs of each task's last annotation."""
    found: dict[int, list[Region]] = {}
    for path in paths:
        if match := BRUSHED.fullmatch(posixpath.basename(composed(path))):
            region = Region(path, int(match[1]), int(match[2]), match[4])
            found.setdefault(region.task, []).append(region)
    return {
        task: [one for one in regions if one.annotation == max(other.annotation for other in regions)]
        for task, regions in found.items()
    }


def read_tasks(folder: Folder, paths: Iterable[str]) -> dict[int, Task]:
    """The tasks of the JSON exports, by number; other JSON files are left alone."""
    tasks: dict[int, Task] = {}
    for path in paths:
        if path.lower().endswith(".json"):
            try:
                content = json.loads(read_text(folder / path, "JSON export"))
            except ValueError as error:
                raise UserError(f"data: {path} is not valid JSON: {error}") from None
            for one in content if isinstance(content, list) else ():
                if isinstance(one, dict) and isinstance(one.get("id"), int) and (photo := _photo_of(one)):
                    tasks[one["id"]] = Task(path, photo, frozenset(_tags(one)))
    return tasks


def _photo_of(task: dict[str, Any]) -> str | None:
    """File name of the photo, without folder, query and percent signs."""
    fields = task["data"] if isinstance(task.get("data"), dict) else task
    for value in fields.values():
        if isinstance(value, str) and value.lower().endswith(PHOTO_ENDINGS):
            return composed(re.split(r"[/\\?=]", value)[-1])
    return None


def _tags(task: dict[str, Any]) -> Iterator[str]:
    for annotation in task.get("annotations") or ():
        for result in annotation.get("result") or ():
            yield str(result.get("from_name"))
    yield from (key for key, value in task.items() if isinstance(value, list))


class _Photos:
    """The photos of the data set by file name, with and without the prefix of an upload."""

    def __init__(self, tree: FileTree, masks: set[str]):
        self._by_name: dict[str, list[str]] = {}
        for path in tree.paths:
            if path.lower().endswith(PHOTO_ENDINGS) and path not in masks:
                self._by_name.setdefault(posixpath.basename(composed(path)), []).append(path)

    def of(self, task: Task) -> str | Note:
        plain = UPLOADED.sub("", task.photo, count=1)
        found = self._by_name.get(task.photo) or self._by_name.get(plain) or []
        if len(found) == 1:
            return found[0]
        if found:
            return Note(task.photo, f"is there more than once: {', '.join(found[:3])}; {task.file} names it")
        return Note(task.photo, f"is missing; {task.file} names it")


def _name(photo: str) -> str:
    return without_ending(composed(photo).removeprefix("images/"))


def _in_file_name(label: str) -> str:
    return label.replace("/", "-").replace("\\", "-")
